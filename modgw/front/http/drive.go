package http

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/modgw/modgw/modgw/http1"
	"github.com/modgw/modgw/modgw/listen"
)

// state is the state of a connection after some requests were served.
type state uint8

const (
	// idle: it waits for the next request, of which nothing has come.
	idle state = iota

	// over: no other request is read from it. [conn.shut] is to end it.
	over

	// taken: another owner has it, and ends it.
	taken
)

// begin serves a connection by a goroutine of its own.
func (c *conn) begin(ended func()) {
	c.left = ended
	go func() {
		c.run()
		c.forgetTaken(c)
	}()
}

// forgetTaken excludes a connection from the drain if a handler has taken it over and returned
// before the end of it: only its new owner can end it. known is the server's value for it.
func (c *conn) forgetTaken(known connection) {
	if c.presence.isReleased() && !c.closing.Load() {
		c.server.conns.Forget(known)
	}
}

// run serves a connection to its end, or until another owner has it.
func (c *conn) run() {
	defer listen.Contain(c, c.server.config.Log)
	defer c.leave()
	if err := c.open(c.server.opening); err != nil {
		c.server.notOpened(c, err)
		return
	}
	if c.tls != nil && c.tls.NegotiatedProtocol == "h2" {
		c.hand()
		return
	}
	for c.in.len() > 0 || c.awaitRequest() {
		switch c.serveUntilIdle() {
		case over:
			c.shut()
			return
		case taken:
			return
		}
	}
	c.shut()
}

// leave ends the use of a connection by HTTP/1.
func (c *conn) leave() {
	if !c.handed {
		c.know()
		c.presence.close()
	}
}

// awaitRequest waits until something of the next request has come. It reports false when nothing
// will.
func (c *conn) awaitRequest() bool {
	c.in.release()
	if c.message.Size() > inputSize {
		c.message = http1.Request{} // which is not needed for a while
	}
	now := time.Now()
	deadline, waits := now.Add(c.server.config.IdleTimeout), forRequest
	if !c.served {
		deadline, waits = now.Add(c.server.config.HeaderTimeout), forFirst
	}
	err := c.fill(deadline, now, waits)
	if err != nil && c.server.draining.Load() && hasUnread(c.raw) {
		now = time.Now() // a request has come in the last moment
		err = c.fill(now.Add(c.server.config.HeaderTimeout), now, forMore)
	}
	return err == nil
}

// serveUntilIdle serves the requests that have come, and that come as long as one has begun. It
// reads from the connection by itself, and blocks.
//
// When the state is idle there is no input left, and the connection may go back to a loop.
func (c *conn) serveUntilIdle() state {
	for {
		event, state := c.readHead()
		switch event {
		case http1.NeedMore:
			return state
		case http1.HTTP2Preface:
			c.hand()
			return taken
		}
		if state := c.serveRequest(nil); state != idle {
			return state
		}
	}
}

// readHead reads until the head of a request is complete, or HTTP/2 begins. For NeedMore the state
// has the reason why there is no head.
func (c *conn) readHead() (http1.Event, state) {
	for {
		event, used, err := c.parser.Parse(c.in.bytes())
		if event == http1.HTTP2Preface {
			return event, taken // the server of HTTP/2 reads the preface
		}
		if event == http1.HeadRead {
			c.message.Fill(&c.request, c.parser.Head())
		}
		c.in.discard(used)
		switch {
		case err != nil:
			c.refuse(err.(http1.Reason))
			return http1.NeedMore, over
		case event == http1.HeadRead:
			c.begun = time.Time{}
			return event, idle
		case c.in.len() == 0:
			return http1.NeedMore, idle
		}
		now := time.Now()
		if c.begun.IsZero() {
			c.begun = now
		}
		if err := c.fill(c.begun.Add(c.server.config.HeaderTimeout), now, forMore); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && c.parser.WithinHead() {
				c.refuse(http1.SlowHead)
			}
			return http1.NeedMore, over
		}
	}
}

// serveRequest serves the request whose head was read; begun is not nil if that was on the loop.
func (c *conn) serveRequest(begun *begunRequest) state {
	if c.ctx == nil {
		c.ctx = c.presence.context(c.server.base)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.served = true
	r := &c.request
	r.RemoteAddr, r.Body = c.peer.remote, http.NoBody
	w := &response{server: c.server, conn: c, request: r, trusted: c.peer.trusted}
	w.ResponseWriter, w.h1 = &w.writer, &w.writer
	w.writer.conn = c
	if begun != nil {
		w.writer.framing = begun.framing
	} else {
		w.writer.framing.Begin(c.parser.Head())
	}
	c.presence.beginRequest()
	if r.ContentLength != 0 {
		w.body = c.newBody(w)
		r.Body = w.body
	}
	if begun != nil && begun.serve != nil {
		c.server.resume(ctx, w, r, begun)
	} else {
		c.server.respond(ctx, w, r, c.peer)
	}
	switch {
	case w.writer.stage == hijacked:
		return taken
	case !w.writer.KeepsOpen(), c.unread, w.body == nil && !c.endRequest():
		return over
	}
	_ = c.SetReadDeadline(time.Time{}) // of the handler; if it fails, reading does, too
	return idle
}

// endRequest takes the end of a request without a body.
func (c *conn) endRequest() bool {
	event, _, err := c.parser.Parse(nil)
	return event == http1.RequestEnd && err == nil
}

// refuse lets no more be read from the connection. Who speaks HTTP/2 after that was agreed on gets
// no answer in HTTP/1.
func (c *conn) refuse(why http1.Reason) {
	c.parser.Refuse(why)
	c.refused = unreadable(why)
	c.owed = why.Status()
}
