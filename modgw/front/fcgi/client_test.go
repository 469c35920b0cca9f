package fcgi

import (
	"bytes"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw/fcgi"
)

// client is a peer that sends arbitrary bytes.
type client struct {
	t    testing.TB
	conn net.Conn
	in   fcgi.Reader
}

func dial(t testing.TB, socket string) *client {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(watchtest.Patience))
	c := &client{t: t, conn: conn}
	c.in.Reset(conn, make([]byte, 1<<16), 0)
	return c
}

func (c *client) send(pieces ...[]byte) {
	c.t.Helper()
	if _, err := c.conn.Write(bytes.Join(pieces, nil)); err != nil {
		c.t.Fatal(err)
	}
}

// answer is the answer to one request.
type answer struct {
	stdout string
	end    *fcgi.End // nil when the connection ended instead
	empty  int       // empty STDOUT records before the end record
}

func (a answer) head() string { head, _, _ := strings.Cut(a.stdout, "\r\n\r\n"); return head }
func (a answer) body() string { _, body, _ := strings.Cut(a.stdout, "\r\n\r\n"); return body }

// status returns the beginning of the status line: "Status: 200".
func (a answer) status() string {
	head := a.head()
	line := head[max(0, strings.Index(head, "Status: ")):]
	return line[:min(len(line), len("Status: 200"))]
}

// next reads a record with its content; ok is false when the connection has ended.
func (c *client) next() (h fcgi.Header, content []byte, ok bool) {
	c.t.Helper()
	h, err := c.in.Next()
	if err != nil {
		if e, isNet := err.(net.Error); isNet && e.Timeout() {
			c.t.Fatal("the server neither answers nor closes the connection")
		}
		return h, nil, false
	}
	content, err = io.ReadAll(&c.in)
	return h, content, err == nil
}

// read reads the answer to request id, which must be the only one in flight.
func (c *client) read(id uint16) answer {
	c.t.Helper()
	var a answer
	for {
		h, content, ok := c.next()
		if !ok {
			return a
		}
		if h.ID != id {
			c.t.Fatalf("a record of type %d for request %d, want %d", h.Type, h.ID, id)
		}
		switch h.Type {
		case fcgi.TypeStdout:
			a.stdout += string(content)
			if len(content) == 0 {
				a.empty++
			}
		case fcgi.TypeEnd:
			end := fcgi.ParseEnd(content)
			a.end = &end
			return a
		default:
			c.t.Fatalf("a record of type %d", h.Type)
		}
	}
}

func (c *client) ended() bool {
	c.t.Helper()
	_, _, ok := c.next()
	return !ok
}

// vars returns the variables of a plain GET with changes: "" removes a variable.
func vars(changes map[string]string) map[string]string {
	v := map[string]string{
		"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/x", "REQUEST_URI": "/x", "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1",
		"HTTP_HOST": "example.com", "REMOTE_ADDR": "192.0.2.1", "SERVER_NAME": "example.com", "SERVER_PORT": "80",
	}
	maps.Copy(v, changes)
	maps.DeleteFunc(v, func(name, value string) bool { return value == "" && changes[name] == "" && name != "QUERY_STRING" })
	return v
}

func pairs(v map[string]string) []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(v)) {
		b = fcgi.AppendPair(b, name, v[name])
	}
	return b
}

func begin(id uint16, keep bool) []byte {
	return fcgi.AppendBegin(nil, id, fcgi.Begin{Role: fcgi.RoleResponder, KeepConn: keep})
}

func recordsOf(t fcgi.Type, id uint16, content []byte) []byte {
	return fcgi.AppendRecord(fcgi.AppendStream(nil, t, id, content), t, id, nil)
}

func record(t fcgi.Type, id uint16, content string) []byte {
	return fcgi.AppendRecord(nil, t, id, []byte(content))
}

// request returns a whole request with a body.
func request(id uint16, keep bool, changes map[string]string, body string) []byte {
	return slices.Concat(begin(id, keep), recordsOf(fcgi.TypeParams, id, pairs(vars(changes))), recordsOf(fcgi.TypeStdin, id, []byte(body)))
}
