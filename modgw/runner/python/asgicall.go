package python

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// serveASGI serves a request with a worker whose requests share a lane: those of ASGI apps, and of WSGI apps with gevent.
func (c *call) serveASGI() {
	asgi := c.runner.program.asgi
	if asgi && wantsWebSocket(c.r) {
		c.serveWebSocket()
		return
	}
	var err error
	if c.body, err = readAhead(c.r, c.runner.config.Descriptor.Limits.Body); err != nil {
		c.answer(c.runner.config.Log, c.bodyFailure(err), false)
		return
	}
	defer c.body.release()
	if !asgi { // which would hold a greenlet that waits for the client
		if err = c.body.keep(&c.runner.config); err != nil {
			c.answer(c.runner.config.Log, c.bodyFailure(err), false)
			return
		}
	}
	buffer := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buffer)
	if asgi {
		*buffer = appendScope((*buffer)[:0], c.r, c.info, c.body.length)
	} else {
		*buffer = appendEnviron((*buffer)[:0], c.r, c.info, c.body.length)
	}
	if c.head = *buffer; len(c.head) > maxHead {
		c.answer(c.runner.config.Log, &failure{http.StatusRequestHeaderFieldsTooLarge, headTooLarge(len(c.head))}, false)
		return
	}
	for c.tryASGI() {
	}
}

// tryASGI gives the request to a worker and passes the response on. It reports whether to try again.
func (c *call) tryASGI() (again bool) {
	w, err := c.runner.seats.acquire(c.r.Context(), httpStream)
	if err != nil {
		c.refuse(err)
		return false
	}
	c.tries++
	o := opening{
		kind: httpStream, request: c.request(), head: c.head, body: c.body.ahead, whole: c.body.whole, deadline: c.deadline(),
	}
	if c.runner.program.asgi {
		o.inputEnded = c.info.InputEnded
	}
	s, err := w.shared.open(c.r.Context(), o)
	if err != nil {
		return c.lost(w, true, false)
	}
	p := c.newResponse(s, w)
	p.trailers = hasToken(c.r.Header["Te"], "trailers")
	return c.exchangeASGI(s, p)
}

// exchangeASGI has the response passed on.
func (c *call) exchangeASGI(s *sharedStream, p *response) (again bool) {
	defer s.finish()
	var f *feeder
	if !c.body.whole {
		f = feed(&s.outflow, c.body, c.w, c.r)
		p.feeder = f
	}
	err := p.copy()
	if p.forget != nil {
		p.forget()
	}
	if f != nil {
		if p.sent && err == nil && !f.ended.Load() {
			err = p.flush() // the client may wait for it before it sends on
		}
		f.stop()
		c.runner.Background(func() { <-f.done }) // what it still sends may have to wait
	}
	return c.concludeASGI(s, p, f, err)
}

// concludeASGI answers what the app did not, and has the worker told when its response is not wanted any more.
func (c *call) concludeASGI(s *sharedStream, p *response, f *feeder, err error) (again bool) {
	w := s.lane.worker
	var failed *failure
	switch {
	case err == nil:
		return false
	case errors.As(err, &failed):
		if f != nil && s.ended() && !p.sent {
			<-f.done
			if f.err != nil {
				failed = c.bodyFailure(f.err)
			}
		}
		s.abandon("the response cannot be used", true)
		c.enrich(w, failed)
		f.announce(c.w.Header())
		c.answer(w.Log, failed, p.sent)
		return false
	case errors.Is(err, errOverdue):
		limit := c.runner.config.Descriptor.Timeouts.Request
		s.abandon("it took longer than "+limit.String(), true)
		f.announce(c.w.Header())
		c.answer(w.Log, &failure{http.StatusGatewayTimeout, overdue(limit)}, p.sent)
		return false
	case errors.Is(err, errReplaced):
		s.abandon(errReplaced.Error(), false)
		w.Log.Debug("event stream ended", "request", c.info.ID, "reason", err)
		return false // an end that the client can see, after which it connects again
	case errors.Is(err, errClientGone), errors.Is(err, context.Canceled):
		s.abandon("the client has gone", false)
		w.Log.Debug("request abandoned", "request", c.info.ID, "reason", err)
		panic(http.ErrAbortHandler)
	}
	if _, broke := errors.AsType[*wire.ProtocolError](err); broke {
		c.runner.suspect(w, err)
	}
	s.abandon("", true)
	f.announce(c.w.Header())
	return c.lost(w, s.unsent.Load() && f == nil, p.sent)
}

// enrich adds to the fault of an app what its worker has logged of it, in development.
func (c *call) enrich(w *worker, failed *failure) {
	if w.dev && failed.fault.Code == codeAppFailed {
		found := w.failures.await(c.info.ID)
		failed.fault.Output = found.text
		failed.fault.Exceptions = exceptions(found.details, c.runner.config.Descriptor.Secrets)
	}
}

// watchStuck has a worker replaced, and its stacks logged, when it does not end a request that it was told to end: as soon as
// its loop is known to be blocked when the request's time is up.
func (r *Runner) watchStuck(s *sharedStream) {
	overdue := !s.deadline.IsZero() && !time.Now().Before(s.deadline)
	if overdue && s.lane.isBlocked() {
		r.tookTooLong(s.lane.worker, s.request.ID)
		return
	}
	r.Background(func() {
		limit := time.NewTimer(stuckTime)
		defer limit.Stop()
		look := time.NewTicker(loopTick)
		defer look.Stop()
		for waiting := true; waiting && !s.isOver() && !(overdue && s.lane.isBlocked()); {
			select {
			case <-look.C:
			case <-limit.C:
				waiting = false
			case <-s.lane.worker.Done():
				return
			case <-r.Halted():
				return
			}
		}
		if !s.isOver() {
			r.tookTooLong(s.lane.worker, s.request.ID)
		}
	})
}

// isOver reports whether the worker has closed the stream, or never will.
func (s *sharedStream) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.err != nil
}
