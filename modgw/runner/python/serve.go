package python

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/runner/upload"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// maxTries is how often a request is given to a worker; more than once only when no app code can have seen it, or
	// when seeing it twice does no harm.
	maxTries = 3

	// maxHead is how long a request's environ may be, so that it fits into a frame with what was read ahead.
	maxHead = wire.MaxPayload - aheadSize - 4
)

// headBuffers has buffers for environs.
var headBuffers = sync.Pool{New: func() any { return new([]byte) }}

// call is one request on its way through the runner.
type call struct {
	runner *Runner
	w      http.ResponseWriter
	r      *http.Request
	info   *modgw.RequestInfo
	body   *requestBody
	head   []byte
	tries  int
	ticket ticket

	finished bool // the lane was given back
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := &call{runner: r, w: w, r: req, info: modgw.RequestInfoOf(req)}
	if r.seats != nil {
		c.serveASGI()
		return
	}
	var err error
	if c.body, err = readAhead(req, r.config.Descriptor.Limits.Body); err != nil {
		c.answer(r.config.Log, c.bodyFailure(err), false)
		return
	}
	defer c.body.release()
	if err = c.body.keep(&r.config); err != nil {
		c.answer(r.config.Log, c.bodyFailure(err), false)
		return
	}
	buffer := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buffer)
	*buffer = appendEnviron((*buffer)[:0], req, c.info, c.body.length)
	if c.head = *buffer; len(c.head) > maxHead {
		c.answer(r.config.Log, &failure{http.StatusRequestHeaderFieldsTooLarge, headTooLarge(len(c.head))}, false)
		return
	}
	for c.try() {
	}
}

// try gives the request to a worker and passes the response on. It reports whether to try again.
func (c *call) try() (again bool) {
	c.ticket.alone = !c.mayShare()
	l, err := c.runner.pool.acquire(c.r.Context(), &c.ticket)
	if err != nil {
		c.refuse(err)
		return false
	}
	c.tries++
	s := &stream{whole: c.body.whole, limit: c.runner.config.Descriptor.Timeouts.Request, spare: c.head}
	if err := l.open(s, c.head, c.body.ahead); err != nil {
		c.runner.suspect(l.worker, err)
		return c.lost(l.worker, true, false)
	}
	return c.exchange(s, c.newResponse(s, l.worker), nil)
}

// newResponse passes on what comes on a stream.
func (c *call) newResponse(s incoming, w *worker) *response {
	return &response{
		w:      c.w,
		client: http.NewResponseController(c.w),
		worker: w,
		stream: s,
		isHead: c.r.Method == http.MethodHead,
		info:   c.info,
		length: -1,
	}
}

// exchange has the response passed on and sees that the lane goes back. An error is why there will be none.
func (c *call) exchange(s *stream, p *response, err error) (again bool) {
	unwatch := context.AfterFunc(c.r.Context(), s.interrupt)
	var f *feeder
	if !c.body.whole {
		f = feed(&s.outflow, c.body, c.w, c.r)
		p.feeder = f
	}
	p.release = func() { c.releaseEarly(s, p, f) }
	if err == nil {
		err = p.copy()
	}
	unwatch()
	if p.forget != nil {
		p.forget()
	}
	if f != nil {
		if p.sent && err == nil && !f.ended.Load() {
			err = p.flush() // the client may wait for it before it sends on
		}
		f.stop()
	}
	w := s.lane.worker
	var failed *failure
	switch {
	case err == nil:
		c.finish(s, f)
		return false
	case errors.As(err, &failed):
		c.giveUp(s, f, "the response cannot be used")
		if f != nil && s.closed && f.err != nil && !p.sent {
			failed = c.bodyFailure(f.err)
		}
		if w.dev && failed.fault.Code == codeAppFailed {
			found := w.failures.await(c.info.ID)
			failed.fault.Output = found.text
			failed.fault.Exceptions = exceptions(found.details, c.runner.config.Descriptor.Secrets)
		}
		f.announce(c.w.Header())
		c.answer(w.Log, failed, p.sent)
		return false
	case errors.Is(err, errOverdue):
		limit := c.runner.config.Descriptor.Timeouts.Request
		c.runner.tookTooLong(w, c.info.ID)
		s.resume(true)
		c.giveUp(s, f, "it took longer than "+limit.String())
		f.announce(c.w.Header())
		c.answer(w.Log, &failure{http.StatusGatewayTimeout, overdue(limit)}, p.sent)
		return false
	case errors.Is(err, errReplaced):
		s.resume(true)
		c.giveUp(s, f, errReplaced.Error())
		w.Log.Debug("event stream ended", "request", c.info.ID, "reason", err)
		return false // an end that the client can see, after which it connects again
	case errors.Is(err, errClientGone), errors.Is(err, context.Canceled):
		s.resume(false)
		c.giveUp(s, f, "the client has gone")
		w.Log.Debug("request abandoned", "request", c.info.ID, "reason", err)
		panic(http.ErrAbortHandler)
	case errors.Is(err, errReturned):
		s.leave()
		c.tries--
		c.ticket.returned = true
		return true
	case errors.Is(err, errQueueTimeout):
		s.resume(false)
		c.giveUp(s, f, err.Error())
		c.refuse(err)
		return false
	}
	unread := !s.first || errors.Is(err, syscall.ECONNRESET) && f == nil && !s.headed && c.ticket.alone
	c.runner.suspect(w, err)
	c.runner.release(s, f)
	f.announce(c.w.Header())
	return c.lost(w, unread, p.sent)
}

// releaseEarly gives the lane back before the client has the response. While the client may still send, that would end
// the connection before what it has not got yet; then only a client that is slow does not keep the lane.
func (c *call) releaseEarly(s *stream, p *response, f *feeder) {
	if f != nil {
		if !f.ended.Load() && !p.ahead.Behind() {
			return
		}
		f.stop()
	}
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
	return c.body.whole && isSafe(c.r.Method) && c.tries == 0 && !c.ticket.returned && c.runner.attached == nil
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
	if !c.runner.Background(func() { c.runner.sweep(s, f, c.request()) }) {
		c.runner.release(s, f)
	}
}

// lost answers a request whose worker was lost, or has it tried again: when the worker cannot have begun it (unread), or
// when the request may be executed twice and has not crashed the worker.
func (c *call) lost(w *worker, unread, sent bool) (again bool) {
	crashed := !unread && c.crashed(w)
	repeatable := unread || !crashed && c.body.whole && isSafe(c.r.Method) && c.tries == 1 && c.runner.attached == nil
	if !sent && repeatable && c.tries < maxTries {
		w.Log.Info("request given to another worker", "request", c.info.ID)
		return true
	}
	c.answer(w.Log, &failure{http.StatusBadGateway, workerDied(w.Why())}, sent)
	return false
}

// crashed reports whether a worker that had the request has crashed. A lane that requests share names them all itself.
func (c *call) crashed(w *worker) bool {
	if w.shared != nil {
		return w.Crashed()
	}
	return w.CrashedWith(c.request())
}

// request is what log and status call it.
func (c *call) request() crew.Request {
	return crew.Request{ID: c.info.ID, Method: c.r.Method, Path: c.info.Path}
}

// isSafe reports whether a request may be executed twice (RFC 9110, 9.2.1).
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

// refuse answers a request that got no lane.
func (c *call) refuse(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		panic(http.ErrAbortHandler)
	}
	c.answer(c.runner.config.Log, &failure{http.StatusServiceUnavailable, c.runner.noLane(err)}, false)
}

// answer logs a failure and answers with it, or cuts the response off when its head was sent.
func (c *call) answer(log *slog.Logger, f *failure, sent bool) {
	level := slog.LevelError
	if f.status < 500 || f.fault.Code == codeAppFailed { // the worker has logged the traceback as an error
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "request failed", "request", c.info.ID, "method", c.r.Method, "path", proc.Printable(c.info.Path),
		"status", f.status, "cut_off", sent, "code", f.fault.Code, "error", f.fault.Line())
	if sent {
		panic(http.ErrAbortHandler)
	}
	modgw.ServeFault(c.w, c.r, f.status, f.fault, c.runner.config.Dev)
}

// bodyFailure says what is wrong with a request's body.
func (c *call) bodyFailure(err error) *failure {
	if errors.Is(err, errTooLarge) {
		return &failure{http.StatusRequestEntityTooLarge, bodyTooLarge(c.runner.config.Descriptor.Limits.Body)}
	}
	if status, fault, ok := upload.Fault(err); ok {
		return &failure{status, fault}
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &failure{http.StatusBadRequest, bodyIncomplete(err)}
}

// deadline is when the request's time is up; zero: never.
func (c *call) deadline() time.Time {
	if limit := c.runner.config.Descriptor.Timeouts.Request; limit > 0 {
		return time.Now().Add(limit)
	}
	return time.Time{}
}
