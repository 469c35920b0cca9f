package onloop

import (
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw"
)

var _ modgw.LoopExchange = (*Conn)(nil)

// Loop implements [modgw.LoopExchange].
func (c *Conn) Loop() *eventloop.Loop { return c.local.Load().loop }

// Request implements [modgw.LoopExchange].
func (c *Conn) Request() (*http.Request, *modgw.RequestInfo) { return c.request, c.info }

// Body implements [modgw.LoopExchange].
func (c *Conn) Body() []byte { return c.protocol.Body() }

// Header implements [modgw.LoopExchange].
func (c *Conn) Header() http.Header { return c.header }

// SetOwner implements [modgw.LoopExchange].
func (c *Conn) SetOwner(o modgw.LoopOwner) { c.owner = o }

// Continue implements [modgw.LoopExchange]. It does nothing after a panic has ended the connection.
func (c *Conn) Continue(serve func(http.ResponseWriter, *http.Request)) {
	if c.state == serving {
		c.leaveLoop(Work{Serve: serve, Requests: min(1<<c.misses>>3, stayAway)})
	}
}

// MoveTo implements [modgw.LoopExchange]: the connection moves, and stays there.
func (c *Conn) MoveTo(loop *eventloop.Loop) bool {
	to := c.server.localOf(loop)
	if to == nil {
		return false
	}
	c.enter(moving, nil)
	c.source.Remove()
	from := c.local.Load()
	from.releaseHeader(c.header)
	c.header, c.owner = nil, nil
	from.loop.FlushLater(departure{c, to})
	return true
}

// departure lets a connection go to another loop when this one has no more to do with it: in the
// same turn, Flush may have been asked for.
type departure struct {
	conn *Conn
	to   *local
}

// Flush implements [eventloop.Flusher].
func (d departure) Flush() {
	d.conn.local.Store(d.to)
	d.to.loop.Post(d.conn.arrive)
}

// arrive serves the request with which the connection has moved to this loop.
func (c *Conn) arrive() {
	defer c.contain()
	switch {
	case c.cut != nil:
		c.close()
	case c.Loop().Add(&c.source, c.fd, c) != nil: // the kernel has no room for another source
		c.leaveLoop(Work{Serve: c.server.Handler.ServeHTTP, Requests: stayAway})
	default:
		c.offer()
	}
}

// Respond implements [modgw.LoopExchange]. It does nothing after a panic has ended the connection.
func (c *Conn) Respond(status int, body []byte) {
	if c.state != serving {
		return
	}
	defer c.contain()
	local := c.local.Load()
	out, ok := c.protocol.AppendResponse(local.out[:0], status, c.header, body, local.loop.Time())
	if !ok {
		// A goroutine sends a response that needs more than one write, and reports errors in it.
		modgw.RespondElsewhere(c, status, body)
		return
	}
	local.out, c.misses = out, 0
	c.last = !c.protocol.EndRequest() || c.last
	c.forget()
	n, err := rawsocket.Write(c.fd, out)
	switch {
	case err != nil && err != unix.EAGAIN:
		c.close()
	case n < len(out):
		c.leaveLoop(Work{Rest: out[n:], IsOver: c.last})
	default:
		c.endResponse()
	}
}

// endResponse goes on after a response was sent.
func (c *Conn) endResponse() {
	local := c.local.Load()
	switch {
	case c.last && (c.protocol.HasInput() || HasUnread(c.fd)):
		c.leaveLoop(Work{IsOver: true}) // closing with unread input would reset the connection
	case c.last:
		c.close()
	case c.protocol.HasInput():
		c.enter(receiving, local.busy)
		local.loop.FlushLater(c)
	default:
		c.rest()
	}
}

// HasUnread reports whether the peer of a socket has sent more than was read.
func HasUnread(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && n > 0
}

// Flush implements [eventloop.Flusher]: the next request may have come already.
func (c *Conn) Flush() {
	defer c.contain()
	if c.state == receiving {
		c.proceed()
	}
}
