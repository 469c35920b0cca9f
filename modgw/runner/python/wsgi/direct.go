package wsgi

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// direct is a request that is served on the loop: a frame to the worker, a frame back, and the
// response. When anything else happens it goes on as a [call] on a goroutine, which decides what
// that means. It belongs to the loop.
type direct struct {
	server   *Server
	exchange modgw.LoopExchange
	stream   stream
	ticket   ticket
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

// ServeOnLoop implements [modgw.LoopHandler]. It takes requests for which a thread is free.
func (s *Server) ServeOnLoop(x modgw.LoopExchange) bool {
	if loop := s.loop(); loop == nil || x.Loop() != loop {
		return false
	}
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
	conn := s.scheduler.tryAcquire(&d.ticket)
	if conn == nil {
		d.release()
		return false
	}
	d.server, d.exchange, d.isHead = s, x, req.Method == http.MethodHead
	d.stream = stream{whole: true, limit: s.app.Descriptor.Timeouts.Request, direct: d}
	if err := conn.openDirect(d, body); err != nil {
		conn.worker.Suspect(err)
		d.release()
		return false
	}
	x.SetOwner(d)
	return true
}

// release gives the memory of a request that has ended on the loop to the next one.
func (d *direct) release() {
	if d.queued {
		return // the connection still has it
	}
	d.answer.Reset()
	*d = direct{head: d.head[:0], answer: d.answer}
	directs.Put(d)
}

// Detach implements [modgw.LoopOwner].
func (d *direct) Detach() { d.detach(nil) }

// detach lets a goroutine go on with the request: with an error, or by reading the next frame.
func (d *direct) detach(failed error) {
	s := &d.stream
	s.conn.mu.Lock()
	s.direct = nil
	if !s.first {
		s.turn = make(chan struct{}, 1)
	}
	s.conn.mu.Unlock()
	d.failed, d.body = failed, bytes.Clone(d.exchange.Body())
	d.exchange.Continue(d.resume)
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
	case f.Type != wire.Body && (f.Stream == s.ID || s.conn.isBehind(f.Stream)):
		s.conn.in.Unread(f)
		d.detach(nil)
	default:
		if _, _, err := s.accept(f); err != nil {
			s.conn.fail(err)
			d.detach(err)
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
		err = d.answer.Decode(raw)
	}
	length := int64(-1)
	if err == nil {
		length, _, err = d.answer.Measure(d.isHead, body, true)
	}
	if err != nil {
		d.detach(err)
		return
	}
	header := d.exchange.Header()
	d.answer.CopyTo(header)
	if length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	d.exchange.Respond(d.answer.Status, body)
	s.leave()
	if s.stray != nil {
		s.conn.worker.Suspect(s.stray)
	}
	s.conn.worker.Finished()
	d.release()
}
