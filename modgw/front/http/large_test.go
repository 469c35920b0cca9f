package http

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
)

// serveLarge serves a body of a size in two pieces, on the loop if the request is there.
func serveLarge(t *testing.T, size int) (addr string, body *looptest.Body, text string) {
	text = strings.Repeat("0123456789abcdef", size/16)
	third := len(text) / 3
	body = &looptest.Body{Pieces: [][]byte{[]byte(text[:third]), []byte(text[third:])}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
	addr = serve(t, Config{Handler: &looptest.Handler{Answer: body.Respond, Handler: handler}})
	return addr, body, text
}

func TestLargeResponsesAreSentFromWhereTheyAre(t *testing.T) {
	t.Parallel()
	addr, body, text := serveLarge(t, 1<<20)
	c := dialTalk(t, addr)
	io.WriteString(c, strings.Repeat(post(1, "b"), 3))
	for range 3 {
		c.want("POST", text)
	}
	for range 10 {
		io.WriteString(c, post(1, ""))
		c.want("POST", text)
	}
	watchtest.Eventually(t, "all are released", func() bool { return body.Released.Load() >= 1 })
}

// dialSmall connects a socket that receives little unless the test reads. The socket of the
// server holds at most 4 MiB more (net.ipv4.tcp_wmem).
func dialSmall(t *testing.T, addr string) *talk {
	t.Helper()
	c := dialTalk(t, addr)
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLargeResponseLeavesTheLoopForASlowClient sends more data than the sockets of a connection
// hold.
func TestLargeResponseLeavesTheLoopForASlowClient(t *testing.T) {
	t.Parallel()
	addr, body, text := serveLarge(t, 8<<20)
	c := dialSmall(t, addr)
	io.WriteString(c, post(1, "b"))
	watchtest.Eventually(t, "a goroutine sends it", func() bool { return body.Readers.Load() == 1 })
	io.WriteString(c, post(2, "b"))
	for range 2 {
		c.want("POST", text)
	}
	watchtest.Eventually(t, "it is released", func() bool { return body.Released.Load() >= 1 })
	if body.Released.Load() > 2 {
		t.Error("it is released twice")
	}
}

func TestClientThatLeavesALargeResponseHasItReleased(t *testing.T) {
	t.Parallel()
	addr, body, text := serveLarge(t, 8<<20)
	for i, wait := range []time.Duration{0, 100 * time.Millisecond} {
		c := dialSmall(t, addr)
		io.WriteString(c, post(1, "b"))
		if _, err := c.in.ReadByte(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait) // on the loop, or by a goroutine: both are right
		c.Close()
		watchtest.Eventually(t, "it is released", func() bool { return body.Released.Load() == int64(i+1) })
	}
	last := dialTalk(t, addr)
	io.WriteString(last, post(1, "b"))
	last.want("POST", text)
}
