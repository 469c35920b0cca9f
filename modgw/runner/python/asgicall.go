package python

import (
	"errors"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// tryASGI is try with a worker whose requests share a lane: those of ASGI apps, and of WSGI apps with gevent.
func (c *call) tryASGI() (again bool) {
	w, err := c.runner.seats.acquire(c.R.Context(), httpStream)
	if err != nil {
		c.Conclude(c.runner.unplaced(err))
		return false
	}
	c.Tried(w.Worker)
	o := opening{
		kind: httpStream, request: c.Name(), head: c.head, body: c.Body.Beginning(), whole: c.Body.IsWhole(), deadline: c.deadline(),
	}
	if c.runner.program.asgi {
		o.inputEnded = c.Info.InputEnded
	}
	s, err := w.shared.open(c.R.Context(), o)
	if err != nil {
		return c.lost(w, err, true)
	}
	p := c.newResponse(s, w)
	p.trailers = httpguts.HeaderValuesContainsToken(c.R.Header["Te"], "trailers")
	return c.exchangeASGI(s, p)
}

// exchangeASGI has the response passed on.
func (c *call) exchangeASGI(s *sharedStream, p *response) (again bool) {
	defer s.finish()
	f := feed(&s.outflow, c.Body)
	err := p.copy()
	if p.forget != nil {
		p.forget()
	}
	if err == nil && c.IsBegun() && !c.Body.IsReceived() {
		err = p.flush() // the client may wait for it before it sends on
	}
	c.Body.Stop()
	if f != nil {
		c.runner.Background(func() { <-f.done }) // what it still sends may have to wait
	}
	return c.concludeASGI(s, f, err)
}

// concludeASGI answers what the app did not, and has the worker told when its response is not wanted any more.
func (c *call) concludeASGI(s *sharedStream, f *feeder, err error) (again bool) {
	w := s.lane.worker
	switch relay.OutcomeOf(err) {
	case relay.Complete:
	case relay.Overdue:
		s.abandon("it took longer than "+c.runner.config.Descriptor.Timeouts.Request.String(), true)
	case relay.Replaced:
		s.abandon(err.Error(), false)
	case relay.ClientGone:
		s.abandon("the client has gone", false)
	case relay.WorkerLost:
		if _, broke := errors.AsType[*wire.ProtocolError](err); broke {
			c.runner.suspect(w, err)
		}
		s.abandon("", true)
		return c.lost(w, err, s.unsent.Load() && f == nil)
	default:
		if f != nil && s.ended() && !c.IsBegun() {
			<-f.done
			if broken := c.Body.Err(); broken != nil {
				err = broken
			}
		}
		s.abandon("the response cannot be used", true)
		c.explain(w, err)
	}
	c.Conclude(err)
	return false
}

// watchStuck has a worker replaced, and its stacks logged, when it does not end a request that it was told to end: as soon as
// its loop is known to be blocked when the request's time is up.
func (r *Runner) watchStuck(s *sharedStream) {
	overdue := !s.deadline.get().IsZero() && !time.Now().Before(s.deadline.get())
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
