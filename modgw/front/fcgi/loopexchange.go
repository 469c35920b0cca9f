package fcgi

import (
	"bytes"
	"context"
	"maps"
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
)

var _ modgw.LoopExchange = (*loopConn)(nil)

// Loop implements [modgw.LoopExchange].
func (c *loopConn) Loop() *eventloop.Loop { return c.server.config.Loop }

// Request implements [modgw.LoopExchange].
func (c *loopConn) Request() (*http.Request, *modgw.RequestInfo) { return c.request, c.info }

// Body implements [modgw.LoopExchange].
func (c *loopConn) Body() []byte { return c.complete.body(c.buf[:]) }

// Header implements [modgw.LoopExchange].
func (c *loopConn) Header() http.Header { return c.builder.response }

// SetOwner implements [modgw.LoopExchange].
func (c *loopConn) SetOwner(o modgw.LoopOwner) { c.owner = o }

// Respond implements [modgw.LoopExchange].
func (c *loopConn) Respond(status int, body []byte) {
	defer c.contain()
	out, ok := c.appendResponse(c.server.onLoop.out[:0], status, body)
	if !ok {
		// The response that a goroutine makes says what is wrong, or is of more than one record.
		header, body := c.Header().Clone(), bytes.Clone(body)
		c.Continue(func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			_, _ = w.Write(body) // its client alone would see the error
		})
		return
	}
	c.server.onLoop.out = out
	n, err := eventloop.Write(c.fd, out)
	c.server.onLoop.giveBuilder(c.builder)
	if n < len(out) && (err == nil || err == unix.EAGAIN) {
		c.closing = c.closing || !c.complete.keepConn
		c.lend(nil, out[n:], true, 0)
		return
	}
	if err != nil || !c.complete.keepConn || c.closing {
		c.end()
		return
	}
	c.have = copy(c.buf[:], c.buf[c.complete.length:c.have])
	c.forget()
	if c.have > 0 {
		c.state = isReceiving
		c.stay.End()
		c.server.onLoop.limit.Begin(&c.stay)
		c.server.config.Loop.FlushLater(c)
		return
	}
	c.rest()
}

// Flush implements [eventloop.Flusher]: the next request may be in the buffer already.
func (c *loopConn) Flush() {
	defer c.contain()
	if c.state == isReceiving {
		c.proceed()
	}
}

// appendResponse appends the records of a whole response. It reports false when that is not one record and the end.
func (c *loopConn) appendResponse(b []byte, status int, body []byte) ([]byte, bool) {
	start := len(b)
	b = append(b, make([]byte, fcgi.HeaderLen)...)
	declared := cgi.DeclaredLength(c.Header())
	bodiless := status == http.StatusNoContent || status == http.StatusNotModified
	b, err := appendHead(b, status, c.Header())
	if err != nil || declared < 0 && !bodiless && c.request.Method != http.MethodHead {
		return b, false
	}
	b = append(b, "\r\n"...)
	if !bodiless && c.request.Method != http.MethodHead {
		b = append(b, body...)
	}
	content := len(b) - start - fcgi.HeaderLen
	if content > fcgi.MaxContent {
		return b, false
	}
	fcgi.Header{Type: fcgi.TypeStdout, ID: c.complete.id, Content: content}.Put(b[start:])
	return fcgi.AppendEnd(b, c.complete.id, fcgi.End{}), true
}

// Continue implements [modgw.LoopExchange].
func (c *loopConn) Continue(serve func(http.ResponseWriter, *http.Request)) { c.move(serve, 0) }

// move lets a goroutine go on with the request, and serve some more.
func (c *loopConn) move(serve func(http.ResponseWriter, *http.Request), more int) {
	ctx, cancel := context.WithCancelCause(c.request.Context())
	body := bytes.Clone(c.Body())
	s := &stream{
		id:         c.complete.id,
		keepConn:   c.complete.keepConn,
		paramsDone: true,
		request:    c.request.WithContext(ctx),
		cancel:     cancel,
		length:     int64(len(body)),
		whole:      true,
		running:    true,
		stdin:      body,
		received:   int64(len(body)),
		ended:      true,
		serve:      serve,
	}
	if len(body) > 0 {
		s.request.Body = &s.body
	}
	c.lend(s, nil, true, more)
}
