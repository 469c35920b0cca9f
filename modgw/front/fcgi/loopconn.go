package fcgi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

// mostOnLoop is how long a connection may be in the midst of a request before a goroutine goes on with it, which has
// deadlines and notices more.
const mostOnLoop = 50 * time.Millisecond

// staysAway is how many requests a goroutine serves of a connection whose request the handler did not take on the loop: it may
// be of an app that is never served there, and moving a connection costs something.
const staysAway = 32

// loopState says what a loopConn does.
type loopState uint8

const (
	isIdle      loopState = iota // nothing of a request has come
	isReceiving                  // a part of one has
	isServing                    // its response is awaited
	isLent                       // a goroutine has the connection
	isClosed
)

// loopConn is one connection of a web server that is on the loop while it is idle, and while its requests are ordinary: whole
// in one buffer, answered by a handler that needs no goroutine, in one write. For all others it is lent to a goroutine, as a
// [conn], until it is idle again. It implements [modgw.LoopExchange] for the request that it serves. All that it has
// belongs to the loop, and to nobody while it is lent.
type loopConn struct {
	server  *Server
	base    context.Context // of all requests; never done
	peer    net.Addr
	trusted bool
	ended   func() // called when the connection has ended

	state   loopState
	fd      int // while it is not lent
	source  eventloop.Source
	stay    eventloop.Stay
	buf     *[bufferSize]byte // nil while it is idle
	have    int               // bytes in buf
	begun   bool              // the peer has begun a request
	closing bool              // ends when no request is in flight
	cutOff  error             // ends at once; nil: it does not
	lent    atomic.Pointer[conn]

	// The request that is served.
	request  *http.Request
	info     *modgw.RequestInfo
	complete completeRequest
	builder  *builder
	owner    modgw.LoopOwner
}

// newLoopConn makes a connection of what was accepted; ok is false when it cannot be on the loop.
func newLoopConn(s *Server, base context.Context, rwc net.Conn) (c *loopConn, ok bool) {
	if s.onLoop == nil {
		return nil, false
	}
	trusted, peer := s.config.TrustedPeer(rwc), rwc.RemoteAddr()
	fd, ok := eventloop.Take(rwc)
	if !ok {
		return nil, false
	}
	c = &loopConn{server: s, base: base, peer: peer, trusted: trusted, fd: fd}
	c.stay.Overdue = c.overdue
	return c, true
}

// start has the loop serve the connection, and ended called when it has ended.
func (c *loopConn) start(ended func()) {
	c.ended = ended
	c.server.config.Loop.Post(c.listen)
}

// listen makes the connection idle.
func (c *loopConn) listen() {
	c.state = isIdle
	switch {
	case c.cutOff != nil, c.closing && c.begun:
		c.end()
	case c.closing:
		c.lend(nil, nil, false, 0)
		c.lent.Load().drain()
	case c.server.config.Loop.Add(&c.source, c.fd, c) != nil:
		c.lend(nil, nil, false, 0) // the kernel has no room for another one
	}
}

// Ready implements [eventloop.Handler].
func (c *loopConn) Ready(e eventloop.Events) {
	defer c.contain()
	switch {
	case c.state == isServing && e.Ended():
		c.owner.Detach()
	case c.state == isServing:
		// The peer sends more, or it is an event of what was read already.
		if n, err := c.read(); n > 0 || err != nil && err != unix.EAGAIN {
			c.owner.Detach()
		}
	case c.state == isIdle || c.state == isReceiving:
		c.receive()
	}
}

// contain ends the connection, and nothing else, when its code panics.
func (c *loopConn) contain() {
	if value := recover(); value != nil {
		listen.LogPanic(value, c.peer, c.server.config.Log)
		if c.state != isLent {
			c.end()
		}
	}
}

// read reads once into what is free of the buffer.
func (c *loopConn) read() (int, error) {
	if c.buf == nil {
		c.buf = c.server.buffers.get()
	}
	if c.have == len(c.buf) {
		return 0, io.ErrShortBuffer
	}
	n, err := eventloop.Read(c.fd, c.buf[c.have:])
	c.have += n
	return n, err
}

// receive reads what has come, and serves a request that is complete.
func (c *loopConn) receive() {
	_, err := c.read()
	switch {
	case err == unix.EAGAIN:
		c.rest()
		return
	case err != nil:
		c.lost(err)
		return
	}
	c.proceed()
}

// proceed serves the request that is in the buffer, if it is complete.
func (c *loopConn) proceed() {
	if c.state == isIdle {
		c.state = isReceiving
		c.server.onLoop.limit.Begin(&c.stay)
	}
	switch complete, verdict := findRequest(c.buf[:c.have]); verdict {
	case isIncomplete:
	case isComplete:
		c.serveComplete(complete)
	default:
		c.lend(nil, nil, true, 0)
	}
}

// serveComplete serves a request that is whole in the buffer.
func (c *loopConn) serveComplete(q completeRequest) {
	r, ok := c.makeRequest(q)
	if !ok {
		c.lend(nil, nil, true, 0)
		return
	}
	c.begun = true
	q.joinBody(c.buf[:])
	c.complete, c.request, c.info = q, r, modgw.RequestInfoOf(r)
	c.state = isServing
	c.stay.End()
	c.server.onLoop.limit.Begin(&c.stay)
	if !c.server.onLoop.handler.ServeOnLoop(c) {
		c.move(c.server.config.Handler.ServeHTTP, staysAway)
	}
}

// overdue lets a goroutine go on with a request that takes long.
func (c *loopConn) overdue() {
	defer c.contain()
	if c.state == isServing {
		c.owner.Detach()
		return
	}
	c.lend(nil, nil, true, 0)
}

// rest makes the connection idle if nothing of a request is in the buffer.
func (c *loopConn) rest() {
	if c.have > 0 {
		return
	}
	c.server.buffers.put(c.buf)
	c.buf = nil
	c.stay.End()
	c.state = isIdle
}

// lost ends a connection that nothing more comes from.
func (c *loopConn) lost(err error) {
	switch {
	case err == io.ErrShortBuffer:
		c.lend(nil, nil, true, 0)
		return
	case c.have > 0:
		c.server.config.Log.Debug("connection ended within a request", "error", err)
	case err != io.EOF && !errors.Is(err, unix.ECONNRESET):
		c.server.config.Log.Warn("connection ended", "error", err)
	}
	c.end()
}

// end closes the connection, which is not lent.
func (c *loopConn) end() {
	if c.state == isClosed {
		return
	}
	c.stay.End()
	c.source.Remove()
	unix.Close(c.fd)
	c.server.buffers.put(c.buf)
	c.buf, c.state = nil, isClosed
	c.ended()
}

// drain ends the connection as soon as no request is in flight.
func (c *loopConn) drain() {
	c.server.config.Loop.Post(func() {
		c.closing = true
		switch c.state {
		case isIdle, isReceiving:
			if c.begun && c.state == isIdle {
				c.end()
				return
			}
			c.lend(nil, nil, false, 0) // what its client has begun to ask is answered
			fallthrough
		case isLent:
			c.lent.Load().drain()
		}
	})
}

// cut ends the connection at once.
func (c *loopConn) cut(err error) {
	c.server.config.Loop.Post(func() {
		c.cutOff = err
		switch c.state {
		case isIdle, isReceiving:
			c.end()
		case isServing:
			c.owner.Detach()
			fallthrough
		case isLent:
			c.lent.Load().fail(err)
		}
	})
}

// look looks after the times of the goroutine that has the connection.
func (c *loopConn) look(now int64) (next int64) {
	if lent := c.lent.Load(); lent != nil {
		return lent.look(now)
	}
	return never
}

// lend lets a goroutine go on with the connection: with a request, with the rest of a response, or with what is in the
// buffer. It may come back when it is idle and as many more requests were served.
func (c *loopConn) lend(s *stream, rest []byte, back bool, more int) {
	c.stay.End()
	c.source.Remove()
	rwc, err := eventloop.Give(c.fd)
	if err != nil {
		c.server.config.Log.Warn("connection ended", "peer", c.peer, "error", err)
		rwc, _ = net.Pipe() // a connection that does not work any more
		rwc.Close()
	}
	l := newConn(c.server, c.base, rwc)
	l.comesBack, l.staysFor = back, more
	l.trusted, l.begun, l.closing = c.trusted, c.begun, c.closing
	if c.buf != nil {
		n := copy(c.buf[:], c.buf[c.complete.length:c.have])
		l.inBuf = c.buf
		l.in.Reset(l.rwc, c.buf[:], n)
	}
	if s != nil {
		s.conn, s.body.stream = l, s
		l.streams, l.ready = []*stream{s}, []*stream{s}
	}
	c.buf, c.have, c.state, c.fd = nil, 0, isLent, -1
	c.forget()
	c.lent.Store(l)
	rest = bytes.Clone(rest)
	go c.serveLent(l, rest)
}

// serveLent serves the connection on this goroutine until it has ended, or comes back.
func (c *loopConn) serveLent(l *conn, rest []byte) {
	ended := true
	defer func() {
		if ended {
			c.ended()
		}
	}()
	defer listen.Contain(l.socket, c.server.config.Log)
	l.sendRest(rest)
	for l.serve() {
		fd, ok := eventloop.Take(l.socket)
		if !ok {
			l.stayAway()
			continue
		}
		ended = false
		c.server.config.Loop.Post(func() {
			c.lent.Store(nil)
			c.fd, c.begun = fd, l.begun
			c.listen()
		})
		return
	}
}

// forget lets go of the request that was served.
func (c *loopConn) forget() {
	c.request, c.info, c.owner, c.builder, c.complete = nil, nil, nil, nil, completeRequest{}
}
