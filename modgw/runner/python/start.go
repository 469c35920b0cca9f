package python

import (
	"context"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

// stackTime is how long a worker may take to print its stacks when it is told to abort.
const stackTime = 2 * time.Second

// startWorker starts a worker and returns it when it is ready and in the pool. After an error nothing of it is left;
// the error is a fault, errClosed when the runner stops, or ctx's.
func (r *Runner) startWorker(ctx context.Context, number int) (*worker, error) {
	w, err := r.spawn(number)
	if err != nil {
		return nil, err
	}
	err = r.awaitReady(ctx, w)
	if err != nil {
		w.process.Kill()
		<-w.process.Done()
		return nil, err
	}
	r.arm(w)
	w.mu.Lock()
	w.readyAt = time.Now()
	w.mu.Unlock()
	w.event((*life).loaded)
	r.pool.add(w)
	return w, nil
}

// awaitReady waits until the worker has loaded the app.
func (r *Runner) awaitReady(ctx context.Context, w *worker) error {
	var late <-chan time.Time
	if limit := r.config.Descriptor.Timeouts.Startup; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case l := <-w.loaded:
		return r.judge(w, l)
	case <-w.lost:
		return r.judgeLost(w)
	case <-late:
		return r.judgeLate(w)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.halt:
		return errClosed
	}
}

func (r *Runner) judge(w *worker, l loading) error {
	if l.failed != nil {
		return cannotLoad(r.config, l.failed)
	}
	w.log.Info("worker ready", "python", proc.Printable(l.ready.Python), "callable", proc.Printable(l.ready.Callable))
	return nil
}

// judgeLost explains why a worker ended before it was ready. What it said last may still be on its way.
func (r *Runner) judgeLost(w *worker) error {
	<-w.process.Done()
	select {
	case l := <-w.loaded:
		if l.failed != nil {
			return cannotLoad(r.config, l.failed)
		}
	default:
	}
	return endedEarly(r.config, w.why(), w.output.String())
}

// judgeLate makes the worker print the stacks of its threads: SIGABRT does that even when it is stuck.
func (r *Runner) judgeLate(w *worker) error {
	abort(w)
	return startedTooLong(r.config, w.output.String())
}

// abort makes the worker print the stacks of its threads and end.
func abort(w *worker) {
	w.process.SignalLeader(syscall.SIGABRT)
	timer := time.NewTimer(stackTime)
	defer timer.Stop()
	select {
	case <-w.process.Done():
	case <-timer.C:
	}
}
