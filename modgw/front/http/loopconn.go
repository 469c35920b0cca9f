package http

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/nowait"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/http1"
	"github.com/modgw/modgw/modgw/listen"
)

const (
	// mostOnLoop is how long a connection may be in the midst of a request before a goroutine goes on with it, which has
	// deadlines and notices more.
	mostOnLoop = 50 * time.Millisecond

	// staysAway is how many requests a goroutine serves of a connection whose request the handler did not take on the loop:
	// it may be of an app that is never served there, and moving a connection costs something.
	staysAway = 32

	// mostInput is how long a request may be, body included, that is served on the loop.
	mostInput = 64 << 10
)

// loopState says what a loopConn does.
type loopState uint8

const (
	isIdle      loopState = iota // nothing of a request has come
	isReceiving                  // a part of one has
	isServing                    // its response is awaited
	isLent                       // a goroutine has the connection
	isClosed
)

// loopConn is a connection without TLS that is on the loop while it is idle, and while its requests are ordinary: short,
// answered by a handler that needs no goroutine, in one write. For all others it is lent to a goroutine until it is idle
// again. It implements [modgw.LoopExchange] for the request that it serves. All that it has, conn included, belongs to
// the loop, and to the goroutine while it is lent.
type loopConn struct {
	conn   *conn // without the net.Conn while it is not lent
	onLoop *onLoop

	state  loopState
	fd     int // while it is not lent
	source eventloop.Source
	stay   eventloop.Stay
	ends   bool // when no request is in flight

	// The request that is served.
	headed  bool // its head was read; its body follows in conn.in
	request *http.Request
	info    *modgw.RequestInfo
	framing http1.Writer
	header  http.Header
	owner   modgw.LoopOwner
}

// onLoop is what connections on the loop have in common.
type onLoop struct {
	loop    *eventloop.Loop
	handler modgw.LoopHandler
	busy    *eventloop.Limit // of a request
	idle    *eventloop.Limit // of the time between two requests
	fresh   *eventloop.Limit // of the time before the first one
	out     []byte           // a response that is being written
}

func newOnLoop(c Config) *onLoop {
	handler, ok := c.Handler.(modgw.LoopHandler)
	if !ok || c.Loop == nil || c.TLS != nil || c.ProxyProtocol {
		return nil
	}
	return &onLoop{
		loop: c.Loop, handler: handler,
		busy: c.Loop.NewLimit(mostOnLoop), idle: c.Loop.NewLimit(c.IdleTimeout), fresh: c.Loop.NewLimit(c.HeaderTimeout),
	}
}

// receiveOnLoop serves a connection that was accepted on the loop; ok is false when that is not possible.
func (s *Server) receiveOnLoop(rwc net.Conn, left func()) (ok bool) {
	if s.onLoop == nil {
		return false
	}
	c := &loopConn{conn: newConn(s, rwc, left), onLoop: s.onLoop, header: make(http.Header, 8)}
	c.conn.peer = s.trust.peerOf(c.conn)
	if c.fd, ok = eventloop.Take(rwc); !ok {
		return false
	}
	c.conn.Conn, c.conn.raw = nil, nil
	c.stay.Overdue = c.overdue
	s.mu.Lock()
	s.loopConns[c] = struct{}{}
	s.mu.Unlock()
	s.newcomers.Add(1)
	s.group.Add(1)
	s.onLoop.loop.Post(c.listen)
	return true
}

// listen makes the connection idle.
func (c *loopConn) listen() {
	c.state = isIdle
	if c.ends && c.conn.served {
		c.end()
		return
	}
	if c.onLoop.loop.Add(&c.source, c.fd, c) != nil {
		c.lend(nil, nil, false) // the kernel has no room for another one
		return
	}
	c.rest()
}

// Ready implements [eventloop.Handler].
func (c *loopConn) Ready(e eventloop.Events) {
	defer c.contain()
	switch {
	case c.state == isServing && e.Ended():
		c.owner.Detach()
	case c.state == isServing:
		// The client sends more, or it is an event of what was read already.
		if n, err := c.read(); n > 0 && c.conn.in.len() > mostInput || err != nil && err != unix.EAGAIN {
			c.owner.Detach()
		}
	case c.state == isIdle || c.state == isReceiving:
		c.receive()
	}
}

// contain ends the connection, and nothing else, when its code panics.
func (c *loopConn) contain() {
	if value := recover(); value != nil {
		listen.LogPanic(value, c.conn.client, c.conn.server.config.Log)
		if c.state != isLent {
			c.end()
		}
	}
}

// read reads until there is nothing more.
func (c *loopConn) read() (n int, err error) {
	for {
		room := c.conn.in.room()
		m, err := eventloop.Read(c.fd, room)
		c.conn.in.add(m)
		n += m
		if err != nil || m < len(room) || c.conn.in.len() > mostInput {
			return n, err
		}
	}
}

// receive reads what has come, and serves a request that is complete.
func (c *loopConn) receive() {
	n, err := c.read()
	switch {
	case n > 0:
		c.proceed()
	case err == unix.EAGAIN:
		c.rest()
	case c.conn.in.len() > 0 || c.headed:
		c.lend(nil, nil, true) // which judges a request that breaks off
	default:
		if err != io.EOF && !errors.Is(err, unix.ECONNRESET) {
			c.conn.server.config.Log.Debug("connection ended", "client", c.conn.client, "error", err)
		}
		c.end()
	}
}

// proceed serves the request that has been read, if it is complete.
func (c *loopConn) proceed() {
	if c.state == isIdle {
		c.state = isReceiving
		c.stay.End()
		c.onLoop.busy.Begin(&c.stay)
	}
	l := c.conn
	if !c.headed {
		event, used, err := l.parser.Parse(l.in.bytes())
		switch {
		case err != nil || event == http1.HTTP2Preface:
			c.lend(nil, &resumption{preface: event == http1.HTTP2Preface}, true)
			return
		case event != http1.HeadRead:
			l.in.discard(used)
			if l.in.len() > mostInput {
				c.lend(nil, nil, true)
			}
			return
		}
		l.message.Fill(&l.request, l.parser.Head())
		c.framing.Begin(l.parser.Head())
		l.in.discard(used)
		c.headed = true
	}
	r := &l.request
	switch {
	case r.ContentLength < 0 || r.ContentLength > mostInput/2 || r.Header["Expect"] != nil || r.Header["Upgrade"] != nil:
		c.moveHeaded()
	case int64(l.in.len()) >= r.ContentLength:
		c.serve()
	}
}

// moveHeaded lets a goroutine serve a request whose head was read.
func (c *loopConn) moveHeaded() { c.lend(nil, &resumption{headed: true, framing: c.framing}, true) }

// serve serves a request that is complete.
func (c *loopConn) serve() {
	l := c.conn
	if status, _ := l.server.refusal(&l.request); status != 0 {
		c.moveHeaded()
		return
	}
	l.know()
	l.served = true
	l.request.RemoteAddr, l.request.Body = l.peer.remote, http.NoBody
	c.info = l.server.prepare(&l.request, l.peer)
	c.request = l.request.WithContext(modgw.WithRequestInfo(l.server.base, c.info))
	c.state = isServing
	c.stay.End()
	c.onLoop.busy.Begin(&c.stay)
	if !c.onLoop.handler.ServeOnLoop(c) {
		c.move(l.server.config.Handler.ServeHTTP, staysAway)
	}
}

// rest makes the connection idle if nothing of a request was read.
func (c *loopConn) rest() {
	if c.conn.in.len() > 0 || c.headed {
		return
	}
	c.conn.in.release()
	if c.conn.message.Size() > inputSize {
		c.conn.message = http1.Request{}
	}
	c.state = isIdle
	c.stay.End()
	limit := c.onLoop.idle
	if !c.conn.served {
		limit = c.onLoop.fresh
	}
	limit.Begin(&c.stay)
}

// overdue ends a connection that was idle for long, and lets a goroutine go on with a request that takes long.
func (c *loopConn) overdue() {
	defer c.contain()
	switch {
	case c.state == isServing:
		c.owner.Detach()
	case c.state == isIdle:
		c.end()
	case c.headed:
		c.moveHeaded()
	default:
		c.lend(nil, nil, true)
	}
}

// end closes the connection, which is not lent.
func (c *loopConn) end() {
	if c.state == isClosed {
		return
	}
	c.stay.End()
	c.source.Remove()
	unix.Close(c.fd)
	c.state = isClosed
	c.conn.in = input{}
	c.conn.ended.Do(c.conn.left)
	c.leave()
}

// leave ends what the server has to do with the connection.
func (c *loopConn) leave() {
	s := c.conn.server
	s.mu.Lock()
	delete(s.loopConns, c)
	s.mu.Unlock()
	c.conn.leave()
	s.group.Done()
}

// drain ends the connection as soon as no request is in flight.
func (c *loopConn) drain() {
	c.onLoop.loop.Post(func() {
		c.ends = true
		switch {
		case c.state != isIdle:
		case !c.conn.served:
			c.lend(nil, nil, false) // what its client has begun to ask is answered
		default:
			if n, _ := c.read(); n > 0 {
				c.proceed() // it has come in the last moment
				return
			}
			c.end()
		}
	})
}

// cut ends the connection at once.
func (c *loopConn) cut() {
	c.onLoop.loop.Post(func() {
		switch c.state {
		case isServing:
			c.owner.Detach()
			c.conn.raw.Close()
		case isIdle, isReceiving:
			c.end()
		}
	})
}

// resumption is what a goroutine goes on with.
type resumption struct {
	over    bool // the connection is to be shut
	more    int  // how many requests to serve before the connection goes back
	preface bool // HTTP/2 has begun
	headed  bool // a request whose head was read, and whose response begins with framing
	framing http1.Writer
	info    *modgw.RequestInfo
	serve   func(http.ResponseWriter, *http.Request)
}

// lend lets a goroutine go on with the connection: with the rest of a response, and a request that was begun. It may come back
// when it is idle.
func (c *loopConn) lend(rest []byte, x *resumption, back bool) {
	c.stay.End()
	c.source.Remove()
	l := c.conn
	rwc, err := eventloop.Give(c.fd)
	if err != nil {
		l.server.config.Log.Warn("connection ended", "client", l.client, "error", err)
		rwc, _ = net.Pipe() // a connection that does not work any more
		rwc.Close()
	}
	l.Conn, l.raw = rwc, rwc
	if socket, ok := nowait.Of(rwc); ok {
		l.Conn, l.raw = socket, socket
	}
	c.state, c.fd = isLent, -1
	l.watched = l.server.disconnects.add(l)
	l.server.add(l)
	if x != nil && x.info != nil && l.watched {
		x.info.InputEnded = l.presence.inputEnded()
	}
	c.forget()
	if x == nil {
		x = &resumption{}
	}
	x.over = x.over || len(rest) > 0 && c.ends
	go c.serveLent(bytes.Clone(rest), x, back)
}

// hasUnread reports whether the client has sent more than was read.
func (c *loopConn) hasUnread() bool {
	n, err := unix.IoctlGetInt(c.fd, unix.TIOCINQ)
	return err == nil && n > 0
}

// serveLent serves the connection on this goroutine until it has ended, or comes back.
func (c *loopConn) serveLent(rest []byte, x *resumption, back bool) {
	l, ended := c.conn, true
	defer func() {
		if ended {
			c.leave()
		}
	}()
	defer listen.Contain(l, l.server.config.Log)
	if x.preface {
		l.hand()
		return
	}
	state := idle
	if len(rest) > 0 {
		if _, err := l.Write(rest); err != nil {
			state = over
		}
	}
	switch {
	case x.over:
		state = over
	case x.headed:
		state = l.serveRequest(x)
	}
	for state == idle {
		if state = l.serveUntilIdle(); state != idle {
			break
		}
		if x.more--; x.more < 0 && back && c.takeBack() {
			ended = false
			return
		}
		if l.in.len() == 0 && !l.awaitRequest() {
			state = over
		}
	}
	if state == over {
		l.shut()
	}
}

// takeBack gives an idle connection to the loop again.
func (c *loopConn) takeBack() bool {
	l := c.conn
	if l.server.draining.Load() || l.in.len() > 0 {
		return false
	}
	l.server.remove(l)
	if l.watched {
		l.server.disconnects.release(l)
		l.watched = false
	}
	fd, ok := eventloop.Take(l.raw)
	if !ok {
		l.server.add(l)
		return false
	}
	l.Conn, l.raw = nil, nil
	l.read, l.write = readDeadline{}, writeDeadline{}
	c.onLoop.loop.Post(func() {
		c.fd = fd
		c.listen()
	})
	return true
}

// forget lets go of the request that was served.
func (c *loopConn) forget() {
	c.request, c.info, c.owner, c.headed = nil, nil, nil, false
	clear(c.header)
}

var _ modgw.LoopExchange = (*loopConn)(nil)

// Loop implements [modgw.LoopExchange].
func (c *loopConn) Loop() *eventloop.Loop { return c.onLoop.loop }

// Request implements [modgw.LoopExchange].
func (c *loopConn) Request() (*http.Request, *modgw.RequestInfo) { return c.request, c.info }

// Body implements [modgw.LoopExchange].
func (c *loopConn) Body() []byte { return c.conn.in.bytes()[:c.request.ContentLength] }

// Header implements [modgw.LoopExchange].
func (c *loopConn) Header() http.Header { return c.header }

// SetOwner implements [modgw.LoopExchange].
func (c *loopConn) SetOwner(o modgw.LoopOwner) { c.owner = o }

// Continue implements [modgw.LoopExchange].
func (c *loopConn) Continue(serve func(http.ResponseWriter, *http.Request)) { c.move(serve, 0) }

// move lets a goroutine go on with the request, and serve some more.
func (c *loopConn) move(serve func(http.ResponseWriter, *http.Request), more int) {
	c.lend(nil, &resumption{headed: true, framing: c.framing, info: c.info, serve: serve, more: more}, true)
}

// Respond implements [modgw.LoopExchange].
func (c *loopConn) Respond(status int, body []byte) {
	defer c.contain()
	out, ok := c.appendResponse(c.onLoop.out[:0], status, body)
	if !ok {
		header, body := c.header.Clone(), bytes.Clone(body)
		c.Continue(func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
			_, _ = w.Write(body) // its client alone would see the error
		})
		return
	}
	c.onLoop.out = out
	l := c.conn
	length := int(c.request.ContentLength)
	l.parser.Advance(length)
	l.in.discard(length)
	event, _, err := l.parser.Parse(nil)
	c.ends = c.ends || event != http1.RequestEnd || err != nil
	n, err := eventloop.Write(c.fd, out)
	switch {
	case err != nil && err != unix.EAGAIN:
		c.end()
	case n < len(out):
		c.lend(out[n:], nil, true)
	case c.ends && (l.in.len() > 0 || c.hasUnread()):
		c.lend(nil, &resumption{over: true}, false) // what a client still sends is read before that is closed
	case c.ends:
		c.end()
	default:
		c.forget()
		if l.in.len() == 0 {
			c.rest()
			return
		}
		c.state = isReceiving
		c.stay.End()
		c.onLoop.busy.Begin(&c.stay)
		c.onLoop.loop.FlushLater(c)
	}
}

// Flush implements [eventloop.Flusher]: the next request has come already.
func (c *loopConn) Flush() {
	defer c.contain()
	if c.state == isReceiving {
		c.proceed()
	}
}

// appendResponse appends a whole response. It reports false when there is something about it that a goroutine sees to.
func (c *loopConn) appendResponse(b []byte, status int, body []byte) ([]byte, bool) {
	if cgi.CheckHead(status, c.header) != nil || c.header["Connection"] != nil {
		return b, false
	}
	cgi.StripHopByHop(c.header)
	framing := c.framing
	if c.ends || c.conn.server.draining.Load() {
		framing.EndConnection()
	}
	b = framing.AppendHead(b, status, c.header)
	b = framing.AppendHeadEnd(b, int64(len(body)), time.Now())
	if framing.HasBody() && len(body) > 0 {
		if framing.Count(int64(len(body))) != nil {
			return b, false
		}
		b = framing.AppendPiece(b, len(body))
		b = append(b, body...)
		b = framing.AppendPieceEnd(b)
	}
	c.ends = c.ends || framing.IsComplete() && !framing.KeepsOpen()
	return framing.AppendEnd(b, c.header), framing.IsComplete()
}
