package tests

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// echoApp is an ASGI app that answers "pong", and echoes the messages of a WebSocket.
const echoApp = `
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"pong"})
`

// echoServer is a program that serves HTTP on PORT.
const echoServer = `
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    wbufsize = -1  # an answer is one packet
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        if self.headers["Transfer-Encoding"] == "chunked":
            while int(self.rfile.readline(), 16):
                self.rfile.readline()
            self.rfile.readline()
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"pong")
    def log_message(self, *args): pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// load sends requests again and again. Neither its client nor a web server may repeat them.
type load struct {
	url    string
	sent   atomic.Int64
	faults sync.Map // text of a fault: true
}

func (l *load) run(ctx context.Context) {
	client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		if fault := l.ask(client); fault != "" {
			l.faults.Store(fault, true)
		}
		l.sent.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond): // the load, not the wait for anything
		}
	}
}

func (l *load) ask(client *http.Client) (fault string) {
	body := struct{ io.Reader }{strings.NewReader("x")} // of a type that the client cannot rewind
	response, err := client.Post(l.url, "text/plain", body)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Sprintf("%s, %v: %.300s", response.Status, err, text)
	}
	return ""
}

func (s *site) hostStatus() control.Status {
	s.t.Helper()
	status, err := control.NewClient(modgw.Address("unix:" + s.path("state/control.sock"))).Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return status
}

// workers returns the PIDs of the workers that serve, by app.
func (s *site) workers() map[modgw.AppName]int {
	s.t.Helper()
	pids := map[modgw.AppName]int{}
	for _, app := range s.hostStatus().Apps {
		for _, w := range app.Runner.Workers {
			if w.State == "ready" {
				pids[app.App] = w.PID
			}
		}
	}
	return pids
}

// firstDeploy returns the time when the host, or an earlier one, began to serve an app.
func (s *site) firstDeploy(app modgw.AppName) time.Time {
	s.t.Helper()
	all, err := control.NewClient(modgw.Address("unix:"+s.path("state/control.sock"))).History(s.t.Context(), app, time.Time{})
	if err != nil || len(all) != 1 || len(all[0].Deploys) == 0 {
		s.t.Fatalf("history of %s: %+v, %v", app, all, err)
	}
	return all[0].Deploys[0].Time
}

// TestUpgradeLosesNoRequest replaces the host under load, directly and behind web servers that keep
// connections open, again and again: workers stay the same processes, and are supervised as before.
// A program that cannot replace the host changes nothing.
func TestUpgradeLosesNoRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shareLog("log")
	s.write("apps/blog/modgw.hcl", "app \"blog\" {\n  mount = \"/blog\"\n  wsgi {\n    entry = \"./app.wsgi\"\n    workers = 1\n  }\n}\n")
	s.write("apps/blog/app.wsgi", wsgiApp("the blog"))
	s.write("apps/echo/modgw.hcl", "app \"echo\" {\n  mount = \"/echo\"\n  asgi {\n    entry = \"./app.py\"\n    workers = 1\n  }\n}\n")
	s.write("apps/echo/app.py", echoApp)
	s.write("apps/server/modgw.hcl", "app \"server\" {\n  mount = \"/server\"\n  http {\n    command = [\"python3\", \"server.py\"]\n    workers = 1\n  }\n}\n")
	s.write("apps/server/server.py", echoServer)
	s.startLogged(s.stderr.Name())
	loads := []*load{{url: s.url + "/blog/"}, {url: s.url + "/echo/"}, {url: s.url + "/server/"}}
	loads = append(loads, s.loadsOfFronts()...)
	conn, response, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/echo/", nil)
	if err != nil {
		t.Fatalf("%v: %v", response, err)
	}
	defer conn.CloseNow()
	said, ended := listen(t.Context(), conn)

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for _, l := range loads {
		running.Go(func() { l.run(ctx) })
	}
	broken := s.path("broken")
	if err := os.WriteFile(broken, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	first := s.hostStatus().PID
	for program, why := range map[string]string{broken: "MGW-HST-028", "/bin/true": "MGW-HST-029", "/nowhere": "MGW-HST-028"} {
		if out, ok := s.run("upgrade", program, "-c", "modgw.hcl"); ok || !strings.Contains(out, why) {
			t.Errorf("upgrade to %s: %s", program, out)
		}
	}
	if now := s.hostStatus().PID; now != first {
		t.Fatalf("the host was replaced by a broken program: pid %d, before %d", now, first)
	}
	pids, start := s.workers(), s.firstDeploy("blog")
	for upgrades := 1; upgrades <= 2; upgrades++ {
		before := s.hostStatus().PID
		out := s.mustRun("upgrade", "-c", "modgw.hcl")
		status := s.hostStatus()
		if now := s.workers(); len(now) != 3 || !maps.Equal(now, pids) || !strings.Contains(out, "with 3 of 3 workers") {
			t.Errorf("workers after upgrade %d: %v, before %v: %s", upgrades, now, pids, out)
		}
		if status.PID == before || status.Upgrade == nil || !strings.Contains(out, fmt.Sprintf("serves as pid %d", status.PID)) {
			t.Errorf("pid %d, before %d: %s", status.PID, before, out)
		}
		if now := s.firstDeploy("blog"); !now.Equal(start) {
			t.Errorf("the history begins at %v, before the upgrade at %v", now, start)
		}
		if upgrades == 2 {
			s.eventually("the second host has ended", func() bool { return hasEnded(before) })
			if left := s.hostStatus().Upgrade.Draining; left != 1 {
				t.Errorf("%d earlier hosts are known beside the one with the WebSocket", left-1)
			}
		}
		for _, l := range loads {
			sent := l.sent.Load()
			s.eventually(l.url+" is asked", func() bool { return l.sent.Load() > sent+20 })
		}
		text := fmt.Sprintf("after %d upgrades", upgrades)
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-said:
			if got != text {
				t.Errorf("the WebSocket says %q", got)
			}
		case err := <-ended:
			t.Fatalf("the WebSocket ended: %v", err)
		}
	}
	stop()
	running.Wait()
	for _, l := range loads {
		t.Logf("%s: %d requests", l.url, l.sent.Load())
		l.faults.Range(func(fault, _ any) bool {
			t.Errorf("%s: %s", l.url, fault)
			return true
		})
	}
	for app, pid := range pids { // of two of the apps; the third is reloaded
		if app == "echo" {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("worker of %s: %v", app, err)
		}
		s.eventually(string(app)+" has another worker", func() bool { now := s.workers()[app]; return now != 0 && now != pid })
	}
	text, err := os.ReadFile(s.stderr.Name())
	// The kernel reports it since Linux 6.15.
	ends := regexp.MustCompile("worker ended.*(killed by signal 9|which alone could tell how)")
	if n := len(ends.FindAll(text, -1)); err != nil || n != 2 {
		t.Errorf("%d ends are explained: %v", n, err)
	}
	s.mustRun("reload", "echo", "-c", "modgw.hcl")
	if now := s.workers()["echo"]; now == pids["echo"] {
		t.Errorf("after a reload it is still process %d", now)
	}
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("after a reload of its app the WebSocket ended with %v", err)
	}
	s.eventually("only one host is left", func() bool { return s.hostStatus().Upgrade.Draining == 0 })

}

// hasEnded reports whether a process has ended, and was perhaps not reaped.
func hasEnded(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// listen reads a WebSocket until it ends, which answers the pings of the host too.
func listen(ctx context.Context, conn *websocket.Conn) (said chan string, ended chan error) {
	said, ended = make(chan string, 8), make(chan error, 1)
	go func() {
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				ended <- err
				return
			}
			said <- string(text)
		}
	}()
	return said, ended
}

// startLogged is like start, for a host whose log is a file.
func (s *site) startLogged(name string, environ ...string) (ended chan error) {
	s.t.Helper()
	s.t.Cleanup(func() {
		if text, err := os.ReadFile(name); err == nil && s.t.Failed() {
			s.t.Logf("log of the hosts:\n%s", text)
		}
	})
	ended = s.launch(environ, "serve", "-c", s.path("modgw.hcl"))
	s.eventually("the host is ready", func() bool {
		select {
		case err := <-ended:
			ended <- err
			s.t.Fatalf("the host ended: %v", err)
		default:
		}
		text, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		match := readyLine.FindSubmatch(text)
		if match != nil {
			s.url = "http://" + string(match[1])
		}
		return match != nil
	})
	return ended
}

// loadsOfFronts ask behind Apache and nginx, which keep their connections to the host.
func (s *site) loadsOfFronts() []*load {
	fcgi := s.path("fcgi.sock")
	apache := fronttest.StartApache(s.t, fmt.Sprintf(`
		KeepAliveTimeout 60
		<Proxy "fcgi://host" enablereuse=on max=10>
		</Proxy>
		<Location "/blog">
		  SetHandler "proxy:unix:%s|fcgi://host"
		</Location>
	`, fcgi))
	port := fronttest.FreePort(s.t)
	nginx := fronttest.StartNginxSites(s.t, port, fmt.Sprintf(`
		upstream http { server %s; keepalive 8; }
		upstream fcgi { server unix:%s; keepalive 8; }
		server {
		  listen 127.0.0.1:%d;
		  location /echo { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://http; }
		  location /blog { %s fastcgi_keep_conn on; fastcgi_pass fcgi; }
		}`, strings.TrimPrefix(s.url, "http://"), fcgi, port, fronttest.FastCGIParams))
	return []*load{{url: apache.URL + "/blog/"}, {url: nginx.URL + "/blog/"}, {url: nginx.URL + "/echo/"}}
}
