package tests

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
)

// pass opens a listening socket at an address, "unix:PATH" or HOST:PORT, and passes it to each host
// of the site under a name, as systemd would. It stays open until the test ends, even when hosts
// end.
func (s *site) pass(name, address string) {
	s.t.Helper()
	network, target := "tcp", address
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		network, target = "unix", path
	}
	ln, err := net.Listen(network, target)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ln.Close() })
	if network == "unix" {
		if err := os.Chmod(target, 0o666); err != nil {
			s.t.Fatal(err)
		}
	}
	file, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { file.Close() })
	s.passed, s.names = append(s.passed, file), append(s.names, name)
	s.within = []string{"sh", "-c", fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s exec "$@"`,
		len(s.passed), strings.Join(s.names, ":")), "sh"}
}

func TestPassedSocketSpeaksWhatItsNameOrItsListenBlockSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	known, unknown := s.path("known.sock"), s.path("unknown.sock")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "fastcgi" { address = "unix:%s" }
	`, known))
	s.write("apps/docs/modgw.hcl", staticApp("one", ""))
	s.write("apps/docs/one/index.html", "first page")
	s.pass("modgw.socket", "unix:"+known)
	s.pass("modgw.socket", "unix:"+unknown)
	s.spawnUntil(regexp.MustCompile(`ready apps=1 failed=0 .*fastcgi=(\S+) .*http=`), nil, "serve", "-c", s.path("modgw.hcl"))
	if said := strings.Count(s.log.String(), "passed socket taken for HTTP"); said != 1 || !strings.Contains(s.log.String(), "unix:"+unknown) {
		t.Errorf("said %d times:\n%s", said, s.log)
	}
	nginx := fronttest.StartNginx(t, fmt.Sprintf(`
		location / { %s fastcgi_pass unix:%s; }
		location /http/ { proxy_pass http://unix:%s:/; }`, fronttest.FastCGIParams, known, unknown))
	for _, target := range []string{"/docs/", "/http/docs/"} {
		if status, body := get(t, nginx.URL+target); status != 200 || body != "first page" {
			t.Errorf("%s: %d %q", target, status, body)
		}
	}
}

// TestRestartWithPassedSocketsLosesNothing acts as systemd, which keeps the sockets of modgw.socket
// open while its service restarts, for an upgrade or otherwise: requests that arrive meanwhile
// wait.
func TestRestartWithPassedSocketsLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fastcgi, http := s.path("run.fcgi.sock"), s.path("run.http.sock")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "fastcgi" { address = "unix:%s" }
		listen "http" { address = "unix:%s" }
	`, fastcgi, http))
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  wsgi { entry = \"./app.wsgi\" }\n}\n")
	s.write("apps/blog/app.wsgi", wsgiApp("the blog"))
	s.pass("modgw.socket", "unix:"+fastcgi)
	s.pass("modgw.socket", "unix:"+http)
	ready := regexp.MustCompile(`ready apps=1 failed=(0) .*fastcgi=unix:\S+ .*http=unix:`)
	serve := func() { s.spawnUntil(ready, nil, "serve", "-c", s.path("modgw.hcl")) }
	serve()
	nginx := fronttest.StartNginx(t, fmt.Sprintf(`
		location / { %s fastcgi_pass unix:%s; }
		location /http/ { proxy_pass http://unix:%s:/; }`, fronttest.FastCGIParams, fastcgi, http))

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	books := []*account{{url: nginx.URL + "/"}, {url: nginx.URL + "/http/"}}
	for _, book := range books {
		asking.Go(func() { book.keep(ctx) })
	}
	for range 3 {
		for _, book := range books {
			before := book.answers()
			s.eventually(book.url+" is asked", func() bool { return book.answers() > before+5 })
		}
		s.mustRun("stop", "-c", "modgw.hcl")
		s.eventually("the host has ended", func() bool { return syscall.Kill(s.pid, 0) != nil })
		s.log = &output{}
		serve()
	}
	stop()
	asking.Wait()
	for _, book := range books {
		book.settle(t, mount{path: book.url})
	}
}

// TestHostFeedsTheWatchdogOfSystemd plays systemd's notification socket (sd_notify(3)).
func TestHostFeedsTheWatchdogOfSystemd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/docs/modgw.hcl", staticApp("one", ""))
	s.write("apps/docs/one/index.html", "first page")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path("notify.sock"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	s.start("NOTIFY_SOCKET="+s.path("notify.sock"), "WATCHDOG_USEC=100000")
	said := func() string {
		t.Helper()
		message := make([]byte, 4096)
		if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := socket.Read(message)
		if err != nil {
			t.Fatal(err)
		}
		return string(message[:n])
	}
	for i, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := said(); got != want {
			t.Errorf("message %d is %q, not %q", i, got, want)
		}
	}
	s.mustRun("stop", "-c", "modgw.hcl")
	for said() != "STOPPING=1" {
	}
}

// TestUpgradeNamesTheNewHostToSystemd plays its notification socket, and passes a socket as it
// does.
func TestUpgradeNamesTheNewHostToSystemd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/docs/modgw.hcl", staticApp("one", ""))
	s.write("apps/docs/one/index.html", "first page")
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path("notify.sock"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notified.Close()
	s.pass("http", "unix:"+s.path("passed.sock"))
	log, err := os.Create(s.path("log")) // both hosts write it
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.stderr = log
	ended := s.startLogged(log.Name(), "NOTIFY_SOCKET="+s.path("notify.sock"), "WATCHDOG_USEC=60000000")
	s.mustRun("upgrade", "-c", "modgw.hcl")
	pid := s.hostStatus().PID
	t.Cleanup(func() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
		s.eventually("the new host has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	})
	for want, message := fmt.Sprintf("MAINPID=%d\nWATCHDOG=1", pid), make([]byte, 4096); ; {
		if err := notified.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := notified.Read(message)
		if err != nil {
			t.Fatalf("never %q: %v", want, err)
		}
		if string(message[:n]) == "STOPPING=1" {
			t.Error("the old host says that the service stops")
		}
		if string(message[:n]) == want {
			break
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the old host ended with %v", err)
	}
	ended <- nil
	conn, err := net.Dial("unix", s.path("passed.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /docs/ HTTP/1.0\r\n\r\n")
	if text, err := io.ReadAll(conn); err != nil || !strings.Contains(string(text), "first page") {
		t.Errorf("at the passed socket: %q, %v", text, err)
	}
}
