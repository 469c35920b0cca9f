package tests

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// onlyWorker returns the PID of the only worker of an app.
func (s *site) onlyWorker(app string) int {
	s.t.Helper()
	workers := s.status(app).Runner.Workers
	if len(workers) != 1 {
		s.t.Fatalf("app %s has %d workers", app, len(workers))
	}
	return workers[0].PID
}

func TestF73ClockOfAWorkerMayJump(t *testing.T) {
	t.Parallel()
	libraries, _ := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if len(libraries) == 0 {
		missing(t, "libfaketime is not installed: apt install faketime")
	}
	for kind, block := range map[string]string{
		"wsgi": "wsgi {\nentry = \"app.py\"\nworkers = 1\n}",
		"asgi": "asgi {\nentry = \"app.py\"\nworkers = 1\n}",
	} {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t)
			s.write("clock", "+0")
			s.write("apps/one/app.py", map[string]string{
				"wsgi": `
import time

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [time.strftime("%Y", time.gmtime()).encode()]
`,
				"asgi": `
import asyncio, time

async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": time.strftime("%Y", time.gmtime()).encode()})
`}[kind])
			s.write("apps/one/modgw.hcl", `
				app "one" {
				  `+block+`
				  env = {
				    LD_PRELOAD              = "`+libraries[0]+`"
				    FAKETIME_TIMESTAMP_FILE = "`+s.path("clock")+`"
				    FAKETIME_NO_CACHE       = "1"
				    FAKETIME_DONT_FAKE_MONOTONIC = "1"
				  }
				  timeouts { request = "20s" }
				}
			`)
			s.start()
			pid := s.onlyWorker("one")
			for _, years := range []int{0, 10, -10, 10, 0} {
				s.write("clock", fmt.Sprintf("%+dy", years))
				want := time.Now().AddDate(years, 0, 0).Year()
				for range 5 {
					status, year := s.get("/")
					if status != 200 || year != fmt.Sprint(want) && year != fmt.Sprint(want+1) {
						t.Errorf("with a clock that is %d years off: %d %s", years, status, year)
					}
				}
			}
			if now := s.onlyWorker("one"); now != pid {
				t.Error("the worker was replaced")
			}
		})
	}
}

// missing skips a test because a program is missing, unless all programs should be installed.
func missing(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func TestF74StoppedWorkerCostsItsRequestsAndNoOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/app.py", `
import os, signal, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/stop":
        open("stopped", "w").write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1)  # the signal may come to another thread first
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]
`)
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		  timeouts {
		    request   = "1s"
		    interrupt = "0s" // or else a worker that goes on is kept
		    stop      = "1s"
		  }
		}
	`)
	s.start()
	if status, _ := s.get("/stop"); status != 504 {
		t.Errorf("the request of a stopped worker is answered with %d", status)
	}
	// No client receives the answers that the worker would send after it continues.
	var pid int
	if _, err := fmt.Sscan(s.read("apps/one/stopped"), &pid); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGCONT) // it may have been ended already
	for i := range 20 {
		path := fmt.Sprintf("/%d", i)
		if status, body := s.get(path); status != 200 || body != path {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	s.eventually("the stopped worker has ended", func() bool { return syscall.Kill(pid, 0) != nil })
}

func TestF75HostThatWasStoppedGoesOn(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.start()
	pid := s.onlyWorker("one")
	if err := syscall.Kill(s.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	answers := make(chan string)
	for range 5 {
		go func() {
			response, err := impatient.Get(s.url)
			if err != nil {
				answers <- err.Error()
				return
			}
			response.Body.Close()
			answers <- response.Status
		}()
	}
	// There is no sign that a request has reached a stopped process; the kernel has accepted the
	// connection.
	time.Sleep(time.Second)
	if err := syscall.Kill(s.pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if status := <-answers; status != "200 OK" {
			t.Errorf("a request that came meanwhile: %s", status)
		}
	}
	if now := s.onlyWorker("one"); now != pid {
		t.Error("the worker was replaced, though it did nothing wrong")
	}
}

// badNetwork starts a proxy that delays, splits and cuts off the data that passes through it.
func badNetwork(t *testing.T, to string) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	pass := func(to, from *net.TCPConn, cutAfter int) {
		defer to.CloseWrite()
		piece := make([]byte, 1+rand.IntN(700))
		for passed := 0; ; {
			n, err := from.Read(piece)
			if passed += n; passed > cutAfter {
				for _, conn := range []*net.TCPConn{to, from} {
					_ = conn.SetLinger(0) // the peer gets a reset
					conn.Close()
				}
				return
			}
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
			if _, failed := to.Write(piece[:n]); failed != nil || err != nil {
				return
			}
		}
	}
	group.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				continue
			}
			group.Go(func() {
				defer client.Close()
				defer server.Close()
				var both sync.WaitGroup
				both.Go(func() { pass(server.(*net.TCPConn), client.(*net.TCPConn), rand.IntN(40_000)) })
				both.Go(func() { pass(client.(*net.TCPConn), server.(*net.TCPConn), rand.IntN(40_000)) })
				both.Wait()
			})
		}
	})
	t.Cleanup(func() { ln.Close(); group.Wait() })
	return ln.Addr().String()
}

func TestF76BadNetworkCostsNothingButItsOwnRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/one/app.py", `
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	s.start()
	echo := func(url string) error {
		text := strings.Repeat("x", rand.IntN(30_000))
		client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Post(url, "text/plain", strings.NewReader(text))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && (response.StatusCode != 200 || string(body) != text) {
			t.Errorf("status %d with %d bytes of %d: a response that was cut off looks whole", response.StatusCode, len(body), len(text))
		}
		return err
	}
	var clients sync.WaitGroup
	for range 8 { // one-time allocations are done by then
		clients.Go(func() {
			for range 5 {
				if err := echo(s.url); err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	s.awaitTemplate()
	files, pid := openFiles(t, s.pid), s.onlyWorker("one")
	bad := badNetwork(t, strings.TrimPrefix(s.url, "http://"))
	var whole, cut atomic.Int64
	for range 8 {
		clients.Go(func() {
			for range 15 {
				if echo("http://"+bad) != nil {
					cut.Add(1)
				} else {
					whole.Add(1)
				}
				if err := echo(s.url); err != nil {
					t.Errorf("a request over a good network: %v", err)
				}
			}
		})
	}
	clients.Wait()
	if whole.Load() == 0 || cut.Load() == 0 {
		t.Errorf("%d requests were answered, %d cut off: that is no bad network", whole.Load(), cut.Load())
	}
	if now := s.onlyWorker("one"); now != pid {
		t.Error("the worker was replaced")
	}
	s.eventually("no more files are open than before", func() bool { return openFiles(t, s.pid) <= files })
}

func TestF77HostAndAppsStartWithoutANetwork(t *testing.T) {
	t.Parallel()
	works(t, "unshare", "--net")
	s := newSlowSite(t)
	socket := s.path("http.sock")
	s.write("modgw.hcl", strings.Replace(s.read("modgw.hcl"), `"127.0.0.1:0"`, `"unix:`+socket+`"`, 1))
	s.within = []string{"unshare", "--net"}
	s.start()
	client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	defer client.CloseIdleConnections()
	response, err := client.Get("http://one.example/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Error(response.Status)
	}
}

// works skips a test if a command fails, as in a container without rights.
func works(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.Command(command[0], append(command[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("%s does not work here: %v %s", strings.Join(command, " "), err, out)
	}
}

func TestF78ReadOnlyFileSystemIsEnoughBesideTheStateFolder(t *testing.T) {
	t.Parallel()
	works(t, "unshare", "--mount")
	s := newSlowSite(t)
	if err := os.Mkdir(s.path("state"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("modgw.hcl", strings.Replace(s.read("modgw.hcl"), s.path("fcgi.sock"), s.path("state/fcgi.sock"), 1))
	s.within = []string{"unshare", "--mount", "sh", "-c", `
		mount --bind ` + s.path("state") + " " + s.path("state") + ` && mount -o remount,bind,ro / &&
		! touch ` + s.path("written") + ` 2>/dev/null && exec "$@"`, "sh"}
	s.start("PYTHONDONTWRITEBYTECODE=")
	s.answers("/", 200)
	s.write("apps/one/app.py", strings.Replace(slowApp, `b"ok"`, `b"ko"`, 1))
	s.eventually("the new code is there", func() bool { _, body := s.get("/"); return body == "ko" })
}

func TestF79SmallLimitsAreEnough(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.within = []string{"prlimit", "--core=0", "--stack=1048576", "--"}
	s.start()
	s.answers("/", 200)
	s.mustRun("reload", "one", "-c", "modgw.hcl")
	s.answers("/", 200)
}

func TestF80ManyAppsStartAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const apps = 16
	for i := range apps {
		name := fmt.Sprintf("app%d", i)
		s.write("apps/"+name+"/app.py", answering(name))
		s.write("apps/"+name+"/modgw.hcl", strings.Replace(mounted(name, "/"+name), "workers = 1", "workers = 2", 1))
	}
	s.start()
	if !strings.Contains(s.log.String(), fmt.Sprintf("ready apps=%d failed=0", apps)) {
		t.Error("not all apps have started")
	}
	for i := range apps {
		name := fmt.Sprintf("app%d", i)
		if status, body := s.get("/" + name); status != 200 || body != name {
			t.Errorf("%s: %d %s", name, status, body)
		}
		s.eventually(name+" has two workers", func() bool { return len(s.status(name).Runner.Workers) == 2 })
	}
}

func TestF81ReloadsLeaveNothing(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.start()
	reload := func(times int) {
		for range times {
			s.mustRun("reload", "one", "--wait", "-c", "modgw.hcl")
		}
		s.eventually("the last generation serves alone", func() bool { return len(s.status("one").Draining) == 0 })
		s.answers("/", 200)
	}
	s.awaitTemplate()
	reload(5) // one-time allocations are done by then
	files, children, threads := openFiles(t, s.pid), len(descendants(s.pid)), threadsOf(t, s.pid)
	reload(15)
	s.eventually("there are as many files and processes as before", func() bool {
		return openFiles(t, s.pid) <= files && len(descendants(s.pid)) <= children
	})
	// Go keeps threads that once waited in a system call
	if now := threadsOf(t, s.pid); now > threads+10 {
		t.Errorf("there were %d threads, and there are %d", threads, now)
	}
	if kept := s.mustRun("env", "list", "--json", "-c", "modgw.hcl"); strings.Count(kept, `"dir"`) != 1 {
		t.Errorf("more environments are kept than one:\n%s", kept)
	}
}

func threadsOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
