package python

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// maxHead is how long a request's environ may be, so that it fits into a frame with the beginning of the body.
const maxHead = wire.MaxPayload - relay.AheadSize - 4

// headBuffers has buffers for environs.
var headBuffers = sync.Pool{New: func() any { return new([]byte) }}

// call is one request on its way through the runner.
type call struct {
	*relay.Request
	runner *Runner
	head   []byte
	ticket ticket

	finished bool // the lane was given back
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := &call{Request: relay.New(w, req, &r.config), runner: r}
	asgi := r.program.asgi
	if asgi && wantsWebSocket(req) {
		c.serveWebSocket()
		return
	}
	kept := relay.KeepMost
	if asgi { // which holds no thread, and no greenlet, that waits for the client
		kept = relay.KeepBeginning
	}
	if err := c.Open(kept); err != nil {
		c.Conclude(err)
		return
	}
	defer c.Body.Release()
	buffer := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buffer)
	if asgi {
		*buffer = appendScope((*buffer)[:0], req, c.Info, c.length())
	} else {
		*buffer = appendEnviron((*buffer)[:0], req, c.Info, c.length())
	}
	if c.head = *buffer; len(c.head) > maxHead {
		c.Conclude(headTooLarge(len(c.head)))
		return
	}
	try := c.try
	if r.seats != nil {
		try = c.tryASGI
	}
	for try() {
	}
}

// length is that of the body; -1: unknown.
func (c *call) length() int64 {
	if c.Body.IsReceived() {
		return max(c.Body.Length, 0)
	}
	return c.Body.Length
}

// try gives the request to a worker and passes the response on. It reports whether to try again.
func (c *call) try() (again bool) {
	c.ticket.alone = !c.mayShare()
	l, err := c.runner.pool.acquire(c.R.Context(), &c.ticket)
	if err != nil {
		c.Conclude(c.runner.unplaced(err))
		return false
	}
	c.Tried(l.worker.Worker)
	s := &stream{whole: c.Body.IsWhole(), limit: c.runner.config.Descriptor.Timeouts.Request, spare: c.head}
	if err := l.open(s, c.head, c.Body.Beginning()); err != nil {
		c.runner.suspect(l.worker, err)
		return c.lost(l.worker, err, true)
	}
	return c.exchange(s, c.newResponse(s, l.worker), nil)
}

// newResponse passes on what comes on a stream.
func (c *call) newResponse(s incoming, w *worker) *response {
	return &response{
		request: c.Request,
		client:  http.NewResponseController(c.W),
		worker:  w,
		stream:  s,
		isHead:  c.R.Method == http.MethodHead,
		length:  -1,
	}
}

// exchange has the response passed on and sees that the lane goes back. An error is why there will be none.
func (c *call) exchange(s *stream, p *response, err error) (again bool) {
	unwatch := context.AfterFunc(c.R.Context(), s.interrupt)
	f := feed(&s.outflow, c.Body)
	p.release = func() { c.releaseEarly(s, p, f) }
	if err == nil {
		err = p.copy()
	}
	unwatch()
	if p.forget != nil {
		p.forget()
	}
	if err == nil && c.IsBegun() && !c.Body.IsReceived() {
		err = p.flush() // the client may wait for it before it sends on
	}
	c.Body.Stop()
	return c.conclude(s, f, err)
}

// conclude answers what the app did not, and lets go of the worker. It reports whether to try again.
func (c *call) conclude(s *stream, f *feeder, err error) (again bool) {
	w := s.lane.worker
	outcome := relay.OutcomeOf(err)
	switch outcome {
	case relay.Complete:
		c.finish(s, f)
	case relay.Overdue:
		c.runner.tookTooLong(w, c.Info.ID)
		s.resume(true)
		c.giveUp(s, f, "it took longer than "+c.runner.config.Descriptor.Timeouts.Request.String())
	case relay.Replaced:
		s.resume(true)
		c.giveUp(s, f, err.Error())
	case relay.ClientGone:
		s.resume(false)
		c.giveUp(s, f, "the client has gone")
	case relay.Requeued:
		s.leave()
		c.ticket.returned = true
		return c.Again(outcome, err)
	case relay.QueueTimeout:
		s.resume(false)
		c.giveUp(s, f, err.Error())
		err = c.runner.unplaced(err)
	case relay.WorkerLost:
		unread := !s.first || errors.Is(err, syscall.ECONNRESET) && f == nil && !s.headed && c.ticket.alone
		c.runner.suspect(w, err)
		c.runner.release(s, f)
		return c.lost(w, err, unread)
	default:
		c.giveUp(s, f, "the response cannot be used")
		if broken := c.Body.Err(); broken != nil && s.closed && !c.IsBegun() {
			err = broken
		}
		c.explain(w, err)
	}
	c.Conclude(err)
	return false
}

// explain adds to the fault of an app what its worker has logged of it, in development.
func (c *call) explain(w *worker, err error) {
	failed, ok := errors.AsType[*relay.Failure](err)
	if ok && w.dev && failed.Outcome == relay.AppFailed {
		found := w.failures.await(c.Info.ID)
		failed.Fault.Output = found.text
		failed.Fault.Exceptions = exceptions(found.details, c.runner.config.Descriptor.Secrets)
	}
}

// releaseEarly gives the lane back before the client has the response. While the client may still send, that would end
// the connection before what it has not got yet; then only a client that is slow does not keep the lane.
func (c *call) releaseEarly(s *stream, p *response, f *feeder) {
	if !c.Body.IsReceived() && !p.ahead.Behind() {
		return
	}
	c.Body.Stop()
	c.finish(s, f)
}

// finish gives the lane of a closed stream back, once.
func (c *call) finish(s *stream, f *feeder) {
	if c.finished {
		return
	}
	c.finished = true
	if f != nil {
		<-f.done
	}
	s.leave()
	if s.stray != nil {
		c.runner.suspect(s.lane.worker, s.stray)
	}
	s.lane.worker.Finished()
}

// mayShare reports whether the request may be on a lane beside others: only what may be executed twice, because of
// them nobody knows which ones a worker that ends has begun. One that was given back, or has seen a worker end, has a lane
// to itself.
func (c *call) mayShare() bool {
	return c.Body.IsWhole() && c.IsSafe() && c.IsNew() && !c.ticket.returned && c.runner.attached == nil
}

// giveUp tells the worker that nobody wants the response, and leaves the lane to a goroutine until the stream is closed.
func (c *call) giveUp(s *stream, f *feeder, reason string) {
	if s.closed {
		c.finish(s, f)
		return
	}
	s.abandoned, s.spare = true, nil // the buffer is this call's
	c.runner.pool.abandon(s.lane)
	s.cancel(reason)
	if !c.runner.Background(func() { c.runner.sweep(s, f, c.Name()) }) {
		c.runner.release(s, f)
	}
}

// lost answers a request whose worker was lost, or has it tried again: when the worker cannot have begun it (unread), or
// when the request may be executed twice and has not crashed the worker.
func (c *call) lost(w *worker, err error, unread bool) (again bool) {
	outcome := relay.WorkerLost
	if unread {
		outcome = relay.Unbegun
	}
	final := !unread && (c.crashed(w) || c.runner.attached != nil)
	if !final && c.Again(outcome, err) {
		return true
	}
	c.Conclude(err)
	return false
}

// crashed reports whether a worker that had the request has crashed. A lane that requests share names them all itself.
func (c *call) crashed(w *worker) bool {
	if w.shared != nil {
		return w.Crashed()
	}
	return c.Crashed()
}

// deadline is when the request's time is up; zero: never.
func (c *call) deadline() time.Time {
	if limit := c.runner.config.Descriptor.Timeouts.Request; limit > 0 {
		return time.Now().Add(limit)
	}
	return time.Time{}
}
