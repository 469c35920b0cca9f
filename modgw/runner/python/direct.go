package python

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// direct is a request of a WSGI app that is served on the loop: a frame to the worker, a frame back, and the response. As soon
// as something else happens it goes on as a [call] on a goroutine, which decides what that means. It belongs to the loop.
type direct struct {
	runner   *Runner
	exchange modgw.LoopExchange
	stream   stream
	ticket   ticket
	head     []byte // the environ
	answer   responseHead
	body     []byte // of the request, once it is not on the loop any more
	isHead   bool
	queued   bool  // its frame waits to be flushed
	unsent   bool  // its frame was not written
	failed   error // why it cannot be served; nil: its next frame is to be read
}

var directs = sync.Pool{New: func() any { return new(direct) }}

var _ modgw.LoopHandler = (*Runner)(nil)

// ServeOnLoop implements [modgw.LoopHandler]. It takes requests for which a lane is free.
func (r *Runner) ServeOnLoop(x modgw.LoopExchange) bool {
	if r.pool == nil || r.attached != nil || r.config.Loop == nil || x.Loop() != r.config.Loop {
		return false
	}
	req, info := x.Request()
	body := x.Body()
	if limit := r.config.Descriptor.Limits.Body; limit > 0 && int64(len(body)) > limit {
		return false
	}
	d := directs.Get().(*direct)
	d.head = appendEnviron(d.head[:0], req, info, int64(len(body)))
	d.ticket = ticket{alone: !relay.IsSafe(req.Method)}
	if len(d.head) > maxHead {
		d.release()
		return false
	}
	l := r.pool.tryAcquire(&d.ticket)
	if l == nil {
		d.release()
		return false
	}
	d.runner, d.exchange, d.isHead = r, x, req.Method == http.MethodHead
	d.stream = stream{whole: true, limit: r.config.Descriptor.Timeouts.Request, direct: d}
	if err := l.openDirect(d, body); err != nil {
		r.suspect(l.worker, err)
		d.release()
		return false
	}
	x.SetOwner(d)
	return true
}

// release gives the memory of a request that has ended on the loop to the next one.
func (d *direct) release() {
	if d.queued {
		return // the lane still knows it
	}
	*d = direct{head: d.head[:0], answer: responseHead{fields: d.answer.fields, values: d.answer.values}}
	directs.Put(d)
}

// Detach implements [modgw.LoopOwner].
func (d *direct) Detach() { d.detach(nil) }

// detach has a goroutine go on with the request: with an error, or by reading the next frame.
func (d *direct) detach(failed error) {
	s := &d.stream
	s.lane.mu.Lock()
	s.direct = nil
	if !s.first {
		s.turn = make(chan struct{}, 1)
	}
	s.lane.mu.Unlock()
	d.failed, d.body = failed, bytes.Clone(d.exchange.Body())
	d.exchange.Continue(d.resume)
}

// resume goes on with the request on a goroutine.
func (d *direct) resume(w http.ResponseWriter, r *http.Request) {
	c := &call{Request: relay.New(w, r, &d.runner.config), runner: d.runner, head: d.head, ticket: d.ticket}
	c.Body = relay.NewBody(d.body)
	c.Tried(d.stream.lane.worker.Worker)
	again := false
	if s := &d.stream; d.unsent {
		s.leave()
		c.runner.suspect(s.lane.worker, d.failed)
		again = c.lost(s.lane.worker, d.failed, true)
	} else {
		s.spare = c.head
		again = c.exchange(s, c.newResponse(s, s.lane.worker), d.failed)
	}
	for again {
		again = c.try()
	}
}

// take is called with the next frame of the lane while the stream is its first.
func (d *direct) take(f wire.Frame) {
	s := &d.stream
	switch {
	case f.Stream == s.id && f.Type == wire.Response && f.End() && len(f.Payload) <= smallEnd:
		d.respond(f)
	case f.Type != wire.Body && (f.Stream == s.id || s.lane.waits(f.Stream)):
		s.lane.in.Unread(f)
		d.detach(nil)
	default:
		if _, _, err := s.accept(f); err != nil {
			s.lane.fail(err)
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
		raw, body, err = s.split(f)
	}
	if err == nil {
		err = d.answer.decode(raw)
	}
	p := response{isHead: d.isHead}
	if err == nil {
		err = p.measure(d.answer, body, true)
	}
	if err != nil {
		d.detach(err)
		return
	}
	header := d.exchange.Header()
	d.answer.copyTo(header)
	if p.length >= 0 {
		header["Content-Length"] = []string{strconv.FormatInt(p.length, 10)}
	}
	d.exchange.Respond(d.answer.status, body)
	s.leave()
	if s.stray != nil {
		d.runner.suspect(s.lane.worker, s.stray)
	}
	s.lane.worker.Finished()
	d.release()
}
