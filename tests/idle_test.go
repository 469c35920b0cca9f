package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
)

// TestHostThatNobodyAsksIsNeverWoken waits for ten seconds in which no thread of the host or of its
// apps runs, while clients keep a hundred connections open. Anything that ticks makes it fail.
func TestHostThatNobodyAsksIsNeverWoken(t *testing.T) {
	t.Parallel()
	const connections = 100
	s, paths := idleSite(t)
	kept := make([]*keptConnection, connections)
	for i := range kept {
		kept[i] = &keptConnection{address: strings.TrimPrefix(s.url, "http://"), path: paths[i%len(paths)]}
		defer kept[i].close()
	}
	s.awaitQuiet(10*time.Second, func() (open int) {
		for _, c := range kept {
			if c.isOpen() {
				open++
			} else {
				c.ask(t)
			}
		}
		return open
	}, connections)
	for _, c := range kept {
		c.ask(t)
	}
}

// TestHostBehindAnIdleApacheIsNeverWoken is the same test with connections that Apache keeps open
// after requests.
func TestHostBehindAnIdleApacheIsNeverWoken(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s, paths := idleSite(t)
	apache := fronttest.StartApache(t, s.apacheSite())
	ask := func() {
		t.Helper()
		for _, path := range paths {
			response, err := http.Get(apache.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if string(body) != "ok" {
				t.Fatalf("GET %s: %s %q %v", path, response.Status, body, err)
			}
		}
	}
	s.awaitQuiet(5*time.Second, func() int {
		open := unixConnections(t, s.path("fcgi.sock"))
		if open == 0 {
			ask()
		}
		return open
	}, 1)
	ask()
}

// idleSite starts a host with a WSGI, an ASGI and a static app. It returns a page of each, which is
// "ok".
func idleSite(t *testing.T) (s *site, paths []string) {
	t.Helper()
	s = newSite(t)
	if exec.Command("unshare", "--mount", "true").Run() == nil {
		// mounts, which other tests make, wake a host
		s.within = []string{"unshare", "--mount"}
	}
	s.write("apps/wsgi/app.wsgi", "def application(environ, start_response):\n"+
		"    start_response('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n")
	s.write("apps/wsgi/modgw.hcl", "app \"wsgi\" {\n  mount = \"/wsgi\"\n  wsgi { entry = \"app.wsgi\" }\n}\n")
	s.write("apps/asgi/app.py", "async def app(scope, receive, send):\n"+
		"    headers = [(b'content-length', b'2')]\n"+
		"    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})\n"+
		"    await send({'type': 'http.response.body', 'body': b'ok'})\n")
	s.write("apps/asgi/modgw.hcl", "app \"asgi\" {\n  mount = \"/asgi\"\n  asgi {\n    entry    = \"app.py\"\n"+
		"    lifespan = \"off\"\n  }\n}\n")
	s.write("apps/static/page.txt", "ok")
	s.write("apps/static/modgw.hcl", "app \"static\" {\n  mount = \"/static\"\n  static { dir = \".\" }\n}\n")
	s.start()
	return s, []string{"/wsgi/", "/asgi/", "/static/page.txt"}
}

// awaitQuiet returns when no thread of the host or of its apps has run for a while in which as many
// connections as wanted were open. open counts them, and may open some.
func (s *site) awaitQuiet(pause time.Duration, open func() int, want int) {
	s.t.Helper()
	open()
	for deadline := time.Now().Add(5 * time.Minute); ; {
		before := switches(s.pid)
		time.Sleep(pause)
		woken := wokenSince(before, switches(s.pid))
		there := open()
		if len(woken) == 0 && there >= want {
			return
		}
		s.t.Logf("%d connections are open, and these were woken in %s: %q", there, pause, woken)
		if time.Now().After(deadline) {
			s.t.Fatal("something was woken each time")
		}
	}
}

// unixConnections returns the number of connections to the Unix socket whose listener is at the
// path. The kernel knows the socket by its name before it was moved there.
func unixConnections(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	const connected = "03" // SS_CONNECTED
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 8 && f[5] == connected && strings.HasPrefix(f[7], path) {
			n++
		}
	}
	return n
}

// keptConnection is a connection that a client opens with a request and then keeps.
type keptConnection struct {
	address, path string
	conn          net.Conn // nil: it is not open
	reader        *bufio.Reader
}

// ask sends a request and reads its response.
func (c *keptConnection) ask(t *testing.T) {
	t.Helper()
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			t.Fatal(err)
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: site\r\n\r\n", c.path)
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		t.Fatalf("GET %s: %v", c.path, err)
	}
	body := make([]byte, 2)
	if _, err := io.ReadFull(response.Body, body); string(body) != "ok" {
		t.Fatalf("GET %s: %s %q %v", c.path, response.Status, body, err)
	}
	response.Body.Close()
}

// isOpen reports whether the host has not closed the connection, and forgets it otherwise.
func (c *keptConnection) isOpen() bool {
	if c.conn == nil {
		return false
	}
	// a read on a closed connection fails at once
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.reader.Peek(1)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return true
	}
	c.close()
	return false
}

func (c *keptConnection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// switches returns, for each thread of a process and its descendants, how often it was scheduled.
func switches(pid int) map[string]string {
	all := map[string]string{}
	for _, p := range append(descendants(pid), pid) {
		// the pattern is right
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p))
		for _, file := range threads {
			text, _ := os.ReadFile(file) // the thread may have ended
			var name, times string
			for line := range strings.Lines(string(text)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
				switch key {
				case "Name":
					name = strings.TrimSpace(value)
				case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
					times += " " + strings.TrimSpace(value)
				}
			}
			all[file+" "+name] = times
		}
	}
	return all
}

// wokenSince returns the threads that ran between two counts.
func wokenSince(before, after map[string]string) (woken []string) {
	for thread, times := range after {
		if before[thread] != times {
			woken = append(woken, fmt.Sprintf("%s:%s, then%s", thread, before[thread], times))
		}
	}
	return woken
}
