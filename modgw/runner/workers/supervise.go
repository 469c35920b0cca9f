package workers

import (
	"context"
	"errors"
	"time"

	"github.com/modgw/modgw/modgw"
)

// patience is how long requests wait for a worker that has failed before, rather than being
// refused.
const patience = time.Second

// supervise keeps a worker running for a replica until that is dropped or the pool stops. A worker
// that worked and ends is replaced at once. One that does not become ready, or ends right after
// that without having been given a request, is started again after a growing delay. A worker that
// is to be replaced serves until the other one is ready.
func (p *Pool) supervise(r *replica, w *Worker) {
	var b backoff
	for w != nil {
		p.setReady(r, true)
		select {
		case <-w.process.Done():
			p.setReady(r, false)
			if w.isShared() && w.isLeft() {
				p.config.Expect(-1) // the other host replaces it
				return
			}
			w = p.replaceLost(r, w, &b)
		case reason := <-w.wanted:
			if !w.isLeft() {
				w = p.replaceFirst(r, w, reason, &b)
			}
		case <-r.dropped:
			p.config.Expect(-1)
			p.retire(w, "the app needs fewer workers")
			return
		case <-p.halt:
			p.end(w)
			return
		}
	}
}

// replaceLost starts workers until one is ready, and returns it; nil when the replica is dropped or
// the pool stops.
func (p *Pool) replaceLost(r *replica, w *Worker, b *backoff) *Worker {
	p.restarts.Add(1)
	expectsNone := false
	delay := p.delayAfter(w, b)
	for {
		if delay >= patience && !expectsNone {
			p.config.Expect(-1)
			expectsNone = true
		}
		if !p.backOff(r, delay) {
			if !expectsNone && r.isDropped() {
				p.config.Expect(-1)
			}
			return nil
		}
		next, err := p.startWorker(context.Background(), r.number, false)
		switch {
		case err == nil:
			if expectsNone {
				p.config.Expect(1)
			}
			return next
		case errors.Is(err, errStopped):
			return nil
		}
		p.logFailure(r.number, err)
		delay = b.Failed()
	}
}

// delayAfter returns the delay before a worker that was ready and has ended is replaced. If it was
// given a request, or was ready for a while, it worked: each such end costs a request or time, so
// immediate replacement does not cause a storm of processes. The app's last worker is missed most,
// and waits at most firstDelay.
func (p *Pool) delayAfter(w *Worker, b *backoff) time.Duration {
	if w.worked() {
		b.Worked()
		return 0
	}
	delay := b.Failed()
	if !p.othersReady(w) {
		delay = min(delay, firstDelay)
	}
	return delay
}

// startAtLast starts a worker that no caller waits for, again and again until it is ready. It
// returns nil when the replica is dropped or the pool stops.
func (p *Pool) startAtLast(r *replica, yields bool) *Worker {
	var b backoff
	for {
		w, err := p.startWorker(context.Background(), r.number, yields)
		switch {
		case err == nil:
			p.config.Expect(1)
			return w
		case errors.Is(err, errStopped):
			return nil
		}
		p.logFailure(r.number, err)
		if !p.backOff(r, b.Failed()) {
			return nil
		}
	}
}

// replaceFirst starts the successor of a worker that still serves, and then retires it. It returns
// the worker to supervise from now on, which is w when there is no successor; then it is asked for
// again later.
func (p *Pool) replaceFirst(r *replica, w *Worker, reason string, b *backoff) *Worker {
	next, err := p.startWorker(context.Background(), w.Number, true)
	switch {
	case err == nil:
		p.running.Go(func() { p.retire(w, reason) })
		return next
	case errors.Is(err, errStopped):
		return w
	}
	p.logFailure(w.Number, err)
	again := time.NewTimer(max(firstDelay, b.Failed()))
	defer again.Stop()
	select {
	case <-again.C:
		w.Want(reason)
	case <-w.process.Done():
	case <-r.dropped:
	case <-p.halt:
	}
	return w
}

// backOff waits before the next attempt to start a worker. It reports false when the replica is
// dropped or the pool stops meanwhile.
func (p *Pool) backOff(r *replica, delay time.Duration) bool {
	p.setWaiting(r, time.Now())
	defer p.setWaiting(r, time.Time{})
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.dropped:
	case <-p.halt:
	}
	select {
	case <-p.halt:
		return false
	default:
		return !r.isDropped()
	}
}

// setWaiting notes since when a replica waits for its next start; zero: it does not.
func (p *Pool) setWaiting(r *replica, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.waitsSince = since
}

// logFailure logs why a worker could not be started.
func (p *Pool) logFailure(number int, err error) {
	attrs := []any{"worker", number, "error", err}
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		attrs = []any{"worker", number, "code", fault.Code, "error", fault.Line(), "output", fault.Output, "hint", fault.Hint}
	}
	p.config.Runner.Log.Error("worker not started", attrs...)
}
