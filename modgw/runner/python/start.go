package python

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/wire"
)

// stackTime is how long a worker may take to print its stacks when it is told to abort.
const stackTime = 2 * time.Second

// startWorker starts a worker and returns it when it is ready and in the pool. After an error nothing of it is left;
// the error is a fault, errClosed when the runner stops, or ctx's.
func (r *Runner) startWorker(ctx context.Context, number int) (*worker, error) {
	t := r.stock.pick()
	w, err := r.loadWorker(ctx, number, t)
	if t != nil && err != nil && mayBeTheTemplate(err) {
		forked := err
		if w, err = r.loadWorker(ctx, number, nil); err == nil {
			r.stock.distrust(r, t, forked)
		}
	}
	if err != nil {
		return nil, err
	}
	w.span.Arm(r.config.Descriptor.Recycle, w.want)
	w.mu.Lock()
	w.readyAt = time.Now()
	w.mu.Unlock()
	w.event((*crew.Life).Loaded)
	r.roster.add(w)
	return w, nil
}

// loadWorker starts a worker, forked from t unless that is nil, and returns it when it has loaded the app. After an error
// nothing of it is left.
func (r *Runner) loadWorker(ctx context.Context, number int, t *template) (*worker, error) {
	w, err := r.spawn(number, t)
	if err != nil {
		return nil, err
	}
	if err := r.awaitReady(ctx, w); err != nil {
		w.process.Kill()
		<-w.process.Done()
		return nil, err
	}
	return w, nil
}

// mayBeTheTemplate reports whether a worker that could not be forked might still be started on its own.
func mayBeTheTemplate(err error) bool {
	if _, ok := errors.AsType[*unfit](err); ok {
		return true
	}
	fault, ok := errors.AsType[*modgw.Fault](err)
	return ok && !isSyntaxError(fault)
}

// isSyntaxError reports whether the app could not even be compiled, which no template can change.
func isSyntaxError(fault *modgw.Fault) bool {
	if fault.Err == nil {
		return false
	}
	kind, _, _ := strings.Cut(fault.Err.Error(), ":")
	return kind == "SyntaxError" || kind == "IndentationError" || kind == "TabError"
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
		return r.cannotLoad(w, l.failed)
	}
	w.log.Info("worker ready", "python", proc.Printable(l.ready.Python), "callable", proc.Printable(l.ready.Callable))
	return nil
}

// cannotLoad is why a worker could not load the app, or should not have in a process that was forked.
func (r *Runner) cannotLoad(w *worker, m *wire.FailedMessage) error {
	if w.template != nil && m.Reason == "template" {
		return &unfit{proc.Printable(m.Message)}
	}
	return cannotLoad(r.config, m)
}

// judgeLost explains why a worker ended before it was ready. What it said last may still be on its way.
func (r *Runner) judgeLost(w *worker) error {
	<-w.process.Done()
	select {
	case l := <-w.loaded:
		if l.failed != nil {
			return r.cannotLoad(w, l.failed)
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
