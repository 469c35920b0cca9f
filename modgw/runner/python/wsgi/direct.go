package wsgi

import (
	"bytes"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// direct is a request that is served on the loop: it waits for a thread if none is free, then a
// frame goes to the worker, a frame comes back, and the response is sent. In all other cases it
// continues as a [call] on a goroutine. It belongs to the loop.
type direct struct {
	server   *Server
	exchange modgw.LoopExchange // nil: it has left the loop
	stream   stream             // without a connection while it waits for one
	ticket   ticket
	waiter   waiter
	head     []byte        // the environ
	answer   response.Head // head of the response
	body     []byte        // body of the request, after it has left the loop
	isHead   bool          // the request's method is HEAD
	queued   bool          // its frame waits to be flushed
	unsent   bool          // its frame was not written
	failed   error         // why it cannot be served; nil: its next frame is to be read
}

var directs = sync.Pool{New: func() any { return new(direct) }}

var _ modgw.LoopHandler = (*Server)(nil)

// minLoopWait is the shortest queue timeout with which requests wait on the loop. They leave it
// after a small part of that, and the timeout counts from then on.
const minLoopWait = 4 * time.Second

// ServeOnLoop implements [modgw.LoopHandler].
func (s *Server) ServeOnLoop(x modgw.LoopExchange) bool {
	req, info := x.Request()
	body := x.Body()
	if limit := s.app.Descriptor.Limits.Body; limit > 0 && int64(len(body)) > limit {
		return false
	}
	d := directs.Get().(*direct)
	d.head = appendEnviron(d.head[:0], req, info, int64(len(body)))
	d.ticket = ticket{alone: !relay.IsSafe(req.Method)}
	if len(d.head) > request.MaxHead {
		d.release()
		return false
	}
	d.server, d.exchange, d.isHead = s, x, req.Method == http.MethodHead
	d.waiter.ticket = &d.ticket
	if limit := s.app.Descriptor.Queue.Timeout; limit > 0 && limit < minLoopWait {
		d.waiter.wake = nil
	} else if d.waiter.wake == nil {
		d.waiter.wake = d.wake // which costs an allocation
	}
	if !d.begin() {
		d.release()
		return false
	}
	x.SetOwner(d)
	return true
}

// begin gives the request to a thread, or queues it. It reports whether the request stays on the
// loop.
func (d *direct) begin() bool {
	d.stream = stream{whole: true, limit: d.server.app.Descriptor.Timeouts.Request, direct: d}
	d.waiter.conn, d.waiter.err = nil, nil
	return d.server.scheduler.begin(&d.waiter) || d.waiter.conn != nil && d.open() == nil
}

// requeue queues a request that its thread has given back. It gets a thread for itself then.
func (d *direct) requeue() {
	d.server.scheduler.keepPlace(&d.ticket)
	d.stream.leave()
	d.ticket.alone = true
	if !d.begin() {
		d.serveElsewhere()
	}
}

// wake is called when a request that waited has a connection, or will get none.
func (d *direct) wake() { d.server.Loop().Post(d.placed) }

// placed goes on with a request that does not wait any longer.
func (d *direct) placed() {
	if d.exchange == nil || d.stream.conn != nil {
		return // it has left the loop, or gone on, before this was called
	}
	if d.waiter.conn == nil || d.open() != nil {
		d.serveElsewhere()
	}
}

// open sends the request to the thread of the connection that it got.
func (d *direct) open() error {
	_, info := d.exchange.Request()
	conn := d.waiter.conn
	now := d.exchange.Loop().Time()
	info.Give(conn.worker.Number, conn.worker.PID(), now)
	d.stream.began = now
	err := conn.openDirect(d, d.exchange.Body())
	if err != nil {
		conn.worker.Suspect(err)
	}
	return err
}

// serveElsewhere lets a goroutine serve a request that no worker has, from its place in the queue.
func (d *direct) serveElsewhere() {
	x, s, t := d.exchange, d.server, d.ticket
	d.exchange = nil
	x.Continue(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, t) })
}

// release gives the memory of a request that has ended on the loop to the next one.
func (d *direct) release() {
	if d.queued {
		return // the connection still has it
	}
	d.answer.Reset()
	*d = direct{head: d.head[:0], answer: d.answer, waiter: waiter{wake: d.waiter.wake}}
	directs.Put(d)
}

// Detach implements [modgw.LoopOwner].
func (d *direct) Detach() {
	if d.stream.conn == nil {
		if d.server.scheduler.leave(&d.waiter, errLeftLoop) {
			d.serveElsewhere()
			return
		}
		d.placed()
	}
	if d.exchange != nil {
		d.passToGoroutine(nil)
	}
}

// errLeftLoop is why a request does not wait on the loop any longer.
var errLeftLoop = errors.New("the request waits on a goroutine")

// passToGoroutine lets a goroutine go on with the request: with an error, or by reading the next
// frame.
func (d *direct) passToGoroutine(failed error) {
	s := &d.stream
	s.conn.mu.Lock()
	s.direct = nil
	switch {
	case !s.first:
		s.turn = make(chan struct{}, 1)
	case s.demand < interrupted: // otherwise it is leaving
		s.startTime()
	}
	s.conn.mu.Unlock()
	x := d.exchange
	d.failed, d.body, d.exchange = failed, bytes.Clone(x.Body()), nil
	x.Continue(d.resume)
}

// resume goes on with the request on a goroutine.
func (d *direct) resume(w http.ResponseWriter, r *http.Request) {
	c := &call{Call: request.NewCall(w, r, d.server.app), server: d.server, ticket: d.ticket}
	c.Head = d.head
	c.Body = relay.NewBody(d.body)
	c.Tried(d.stream.conn.worker.Worker.Worker)
	again := false
	if s := &d.stream; d.unsent {
		s.leave()
		s.conn.worker.Suspect(d.failed)
		again = c.Lost(d.failed, true, c.Crashed)
	} else {
		s.spare = c.Head
		again = c.passOn(s, d.failed)
	}
	for again {
		again = c.try()
	}
}

// receive handles the next frame of the connection while the stream is the first on it.
func (d *direct) receive(f wire.Frame) {
	s := &d.stream
	switch {
	case f.Stream == s.ID && f.Type == wire.Response && f.End() && len(f.Payload) <= response.SmallEnd:
		d.respond(f)
	case f.Stream == s.ID && f.Type == wire.Response && !f.End() && d.respondFrom(f):
	case f.Type != wire.Body && (f.Stream == s.ID || s.conn.isBehind(f.Stream)):
		s.conn.in.Unread(f)
		d.passToGoroutine(nil)
	default:
		if _, _, err := s.accept(f); err != nil {
			s.conn.fail(err)
			d.passToGoroutine(err)
		}
	}
}

// respond ends the request with a frame that is the whole response.
func (d *direct) respond(f wire.Frame) {
	s := &d.stream
	f, _, err := s.accept(f)
	var raw, body []byte
	if err == nil {
		raw, body, err = s.Split(f)
	}
	if err == nil {
		_, info := d.exchange.Request()
		info.Begin(s.began)
		err = d.answer.RespondOn(d.exchange, d.isHead, raw, body)
	}
	if err != nil {
		d.passToGoroutine(err)
		return
	}
	d.end()
}

// respondFrom ends the request with a response whose whole body is in shared memory. For any other
// response it does nothing and reports false.
func (d *direct) respondFrom(f wire.Frame) bool {
	s := &d.stream
	var room [4][]byte
	payloads, flags, length := s.conn.in.PeekShared(s.ID, room[:0])
	raw, body, err := wire.SplitHead(f.Payload)
	if length == 0 || err != nil || len(body) > 0 || s.Buffer == nil || s.progress != begun ||
		s.conn.kept.checkReturned(s.ID) != nil {
		return false
	}
	pieces, size, err := s.Buffer.AcquireAll(payloads)
	if err != nil {
		return false // a goroutine finds out, too
	}
	_, info := d.exchange.Request()
	info.Begin(s.began)
	if !d.answer.BeginOn(d.exchange, d.isHead, raw, size) {
		s.Buffer.Restore(pieces, size)
		return false
	}
	f.Flags |= flags
	_, _, _ = s.accept(f) // it is right
	s.conn.in.Skip(length)
	d.exchange.RespondFrom(d.share(pieces))
	d.end()
	return true
}

// end ends a request that was answered.
func (d *direct) end() {
	s := &d.stream
	s.leave()
	if s.stray != nil {
		s.conn.worker.Suspect(s.stray)
	}
	s.conn.worker.Finished()
	d.release()
}
