package python

import (
	"context"
	"errors"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
)

// patience is how long requests wait for a worker that has failed before, rather than being refused.
const patience = time.Second

// supervise keeps a worker running under w's number until the runner stops: one that ends is replaced at once, or later
// when that happens again and again; one that is to be replaced serves until the other one is ready.
func (r *Runner) supervise(w *worker) {
	var b crew.Backoff
	for w != nil {
		select {
		case <-w.lost:
			w = r.replaceLost(w, &b)
		case reason := <-w.wanted:
			w = r.replaceFirst(w, reason, &b)
		case <-r.halt:
			r.end(w)
			return
		}
	}
}

// replaceLost starts workers until one is ready, and returns it; nil when the runner stops.
func (r *Runner) replaceLost(w *worker, b *crew.Backoff) *worker {
	r.roster.remove(w)
	<-w.process.Done()
	r.restarts.Add(1)
	hopeless := false
	stayed := w.stayedReady()
	for {
		delay := b.Failed(stayed)
		if delay >= patience && !hopeless {
			r.roster.hope(-1)
			hopeless = true
		}
		if !r.backOff(w.number, delay) {
			return nil
		}
		next, err := r.startWorker(context.Background(), w.number)
		if err == nil {
			if hopeless {
				r.roster.hope(1)
			}
			return next
		}
		if errors.Is(err, errClosed) {
			return nil
		}
		r.logFailure(w.number, err)
		stayed = 0
	}
}

// startAtLast starts a worker that nobody waits for, again and again until it is ready. It returns nil when the runner
// stops.
func (r *Runner) startAtLast(number int) *worker {
	var b crew.Backoff
	for {
		w, err := r.startWorker(context.Background(), number)
		switch {
		case err == nil:
			r.roster.hope(1)
			return w
		case errors.Is(err, errClosed):
			return nil
		}
		r.logFailure(number, err)
		if !r.backOff(number, b.Failed(0)) {
			return nil
		}
	}
}

// replaceFirst starts the successor of a worker that still serves, and then retires it. It returns the worker to
// supervise from now on, which is w when there is no successor; then it is asked for again later.
func (r *Runner) replaceFirst(w *worker, reason string, b *crew.Backoff) *worker {
	next, err := r.startWorker(context.Background(), w.number)
	switch {
	case err == nil:
		r.running.Go(func() { r.retire(w, reason) })
		return next
	case errors.Is(err, errClosed):
		return w
	}
	r.logFailure(w.number, err)
	again := time.NewTimer(max(crew.FirstDelay, b.Failed(0)))
	defer again.Stop()
	select {
	case <-again.C:
		w.want(reason)
	case <-w.lost:
	case <-r.halt:
	}
	return w
}

// backOff waits before the next attempt to start a worker. It reports false when the runner stops meanwhile.
func (r *Runner) backOff(number int, delay time.Duration) bool {
	r.mu.Lock()
	r.waiting[number] = crew.Life{State: crew.Waiting, Since: time.Now()}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiting, number)
		r.mu.Unlock()
	}()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.halt:
		return false
	}
	select {
	case <-r.halt:
		return false
	default:
		return true
	}
}

// retire lets a worker finish its requests, as long as drain allows, and ends it.
func (r *Runner) retire(w *worker, reason string) {
	r.roster.remove(w)
	w.event((*crew.Life).Retired)
	w.log.Info("worker retired", "reason", reason)
	if w.shared != nil {
		defer time.AfterFunc(r.config.Descriptor.Timeouts.WebSocketDrain, w.shared.endEndless).Stop()
	}
	limit := time.NewTimer(r.config.Descriptor.Timeouts.Drain)
	defer limit.Stop()
	select {
	case <-r.roster.drained(w):
	case <-limit.C:
	case <-w.lost:
	case <-r.halt:
	}
	r.end(w)
}

// logFailure logs why a worker could not be started.
func (r *Runner) logFailure(number int, err error) {
	attrs := []any{"worker", number, "error", err}
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		attrs = []any{"worker", number, "code", fault.Code, "error", fault.Line(), "output", fault.Output, "hint", fault.Hint}
	}
	r.config.Log.Error("worker not started", attrs...)
}
