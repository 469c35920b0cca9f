package listen

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
)

// testConn is a connection that stays until it is asked, or forced, to end.
type testConn struct {
	rwc        net.Conn
	asked, cut chan struct{}
}

// quietDoor admits every peer that may open the socket, and does not log.
func quietDoor(most int) Door { return Door{Most: most, Log: slog.New(slog.DiscardHandler)} }

// serveConns runs connections until the test ends them; heeds reports whether they end when asked
// to.
func serveConns(t *testing.T, drain time.Duration, most int, heeds bool) (addr string, in chan *testConn, end context.CancelFunc, ended chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	in, ended = make(chan *testConn, 10), make(chan error, 1)
	conns := Conns[*testConn]{
		Door: quietDoor(most), DrainTimeout: drain,
		Open: func(_ context.Context, rwc net.Conn) *testConn {
			return &testConn{rwc, make(chan struct{}), make(chan struct{})}
		},
		Serve: func(c *testConn) {
			defer c.rwc.Close()
			in <- c
			select {
			case <-c.cut:
			case <-c.asked:
				if !heeds {
					<-c.cut
				}
			}
		},
		Drain: func(c *testConn) { close(c.asked) },
		Cut:   func(c *testConn) { close(c.cut) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- conns.Run(ctx, ln) }()
	return ln.Addr().String(), in, cancel, ended
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	return c
}

func TestConnectionsThatEndWhenAskedAreNotCut(t *testing.T) {
	addr, in, end, ended := serveConns(t, time.Hour, 0, true)
	c := connect(t, addr)
	g := <-in
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	select {
	case <-g.cut:
		t.Error("it was cut")
	default:
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client sees %v", err)
	}
}

func TestConnectionsThatStayAreCutAfterTheDrain(t *testing.T) {
	addr, in, end, ended := serveConns(t, 10*time.Millisecond, 0, false)
	connect(t, addr)
	g := <-in
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-g.cut
}

func TestNoMoreConnectionsAreServedThanMayBe(t *testing.T) {
	addr, in, end, ended := serveConns(t, time.Hour, 1, true)
	connect(t, addr)
	connect(t, addr)
	first := <-in
	select {
	case <-in:
		t.Error("there are two at once")
	case <-time.After(20 * time.Millisecond):
	}
	close(first.cut)
	<-in
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestF42PanicEndsItsConnectionAlone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer // logging has ended when it is read
	conns := Conns[net.Conn]{
		Door: Door{Log: slog.New(slog.NewTextHandler(&log, nil)), Most: 1}, DrainTimeout: time.Minute,
		Open: func(_ context.Context, rwc net.Conn) net.Conn { return rwc },
		Serve: func(c net.Conn) {
			b := make([]byte, 1)
			if _, err := c.Read(b); err == nil && b[0] == '!' {
				panic("on purpose")
			}
			c.Write(b)
			c.Close()
		},
		Drain: func(c net.Conn) { c.Close() },
		Cut:   func(c net.Conn) { c.Close() },
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- conns.Run(ctx, ln) }()
	for _, c := range []struct{ sent, got string }{{"!", ""}, {"x", "x"}, {"!", ""}, {"y", "y"}} {
		conn := connect(t, ln.Addr().String())
		io.WriteString(conn, c.sent)
		if got, err := io.ReadAll(conn); string(got) != c.got {
			t.Errorf("%q is answered with %q, %v", c.sent, got, err)
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	text := log.String()
	if strings.Count(text, "connection panicked") != 2 || !faulttest.Has(text, "MGW-HST-025") || !strings.Contains(text, "conns_test.go") {
		t.Errorf("the log has no stack:\n%s", text)
	}
}

func TestListenerThatFailsIsAnErrorAfterTheDrain(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	conns := Conns[*testConn]{Door: quietDoor(0)}
	if err := conns.Run(t.Context(), ln); err == nil {
		t.Error("there is no error")
	}
}
