package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHostThatNobodyAsksIsNeverWoken waits for ten seconds in which no thread of the host or of its apps runs, while clients keep
// a hundred connections open. Whatever ticks more often than that makes it wait in vain.
func TestHostThatNobodyAsksIsNeverWoken(t *testing.T) {
	t.Parallel()
	const (
		connections = 100
		lull        = 10 * time.Second
	)
	s := newSite(t)
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

	paths := []string{"/wsgi/", "/asgi/", "/static/page.txt"}
	kept := make([]*keptConnection, connections)
	for i := range kept {
		kept[i] = &keptConnection{address: strings.TrimPrefix(s.url, "http://"), path: paths[i%len(paths)]}
		defer kept[i].close()
	}
	deadline := time.Now().Add(5 * time.Minute)
	for {
		for _, c := range kept {
			if !c.isOpen() {
				c.ask(t)
			}
		}
		before := switches(s.pid)
		time.Sleep(lull)
		woken := wokenSince(before, switches(s.pid))
		open := 0
		for _, c := range kept {
			if c.isOpen() {
				open++
			}
		}
		if len(woken) == 0 && open == connections {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, and these were woken in %s: %q", open, lull, woken)
		}
	}
	for _, c := range kept {
		c.ask(t)
	}
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
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond)) // a connection that is closed says so at once
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

// switches are how often each thread of a process and its descendants has been given a processor.
func switches(pid int) map[string]string {
	all := map[string]string{}
	for _, p := range append(descendants(pid), pid) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p)) // the pattern is right
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

// wokenSince are the threads that ran between two counts.
func wokenSince(before, after map[string]string) (woken []string) {
	for thread, times := range after {
		if before[thread] != times {
			woken = append(woken, fmt.Sprintf("%s:%s, then%s", thread, before[thread], times))
		}
	}
	return woken
}
