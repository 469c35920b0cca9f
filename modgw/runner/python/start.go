package python

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Ready implements [workers.Driver]: it makes the worker load the app, and waits for that.
func (w *worker) Ready(ctx context.Context) ([]any, error) {
	r := w.runner
	r.reading.Go(w.Read)
	r.reading.Go(w.Connections.Read)
	if w.attached == nil && !w.Inherits() { // otherwise it was told before
		start := r.startMessage(w.Number)
		start.Telemetry = r.telemetry(w.Number)
		w.Send(wire.Start, start.Append(nil))
	}
	select {
	case l := <-w.Loaded():
		if w.failed = l.Failed; w.failed != nil {
			return nil, w.cannotLoad()
		}
		w.Connections.Loaded(l.Ready)
		w.joins = l.Ready.Joins
		return []any{
			"python", proc.Printable(l.Ready.Python), "callable", proc.Printable(l.Ready.Callable),
		}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Begin implements [workers.Driver].
func (w *worker) Begin() {
	if w.replaces != nil {
		w.runner.zygote.Distrust(w.runner.zygoteApp(), w.replaces.parent, w.replaces.err)
	}
	w.begun.Store(true)
	w.Worker.Begin()
}

// Explain implements [workers.Driver]. It first reads the last frames of an ended worker. A worker
// that is late prints the stacks of its threads: SIGABRT makes it do that even if it is stuck.
func (w *worker) Explain(err error) error {
	if errors.Is(err, workers.ErrEnded) && w.failed == nil {
		w.AwaitLastWords()
		select {
		case l := <-w.Loaded():
			w.failed = l.Failed
		default:
		}
	}
	c := w.runner.app.RunnerConfig
	_, isUnfit := errors.AsType[*zygote.UnfitError](err)
	switch {
	case w.failed != nil:
		return w.cannotLoad()
	case errors.Is(err, workers.ErrEnded):
		return endedEarly(c, w.Reason(), w.Output())
	case errors.Is(err, workers.ErrLate):
		if w.askWhereItWaits() {
			return w.cannotLoad()
		}
		w.Abort()
		return startedTooLong(c, w.Output())
	case isUnfit:
		return err
	}
	return cannotStart(c, err)
}

// cannotLoad is why the worker could not load the app, or should not have in a process that was
// forked.
func (w *worker) cannotLoad() error {
	if w.parent != nil && w.failed.Reason == "template" {
		return &zygote.UnfitError{Reason: proc.Printable(w.failed.Message)}
	}
	return cannotLoad(w.runner.app.RunnerConfig, w.failed)
}

// Instead implements [workers.Driver]: a worker that could not be forked might still be started on
// its own.
func (w *worker) Instead(err error) func(*workers.Worker) workers.Driver {
	if w.parent == nil || !mayBeTheTemplate(err) {
		return nil
	}
	return func(c *workers.Worker) workers.Driver {
		other := w.runner.newWorker(c, nil)
		other.replaces = &forkFailure{w.parent, err}
		return other
	}
}

// mayBeTheTemplate reports whether a worker that could not be forked might still be started on its
// own.
func mayBeTheTemplate(err error) bool {
	if _, ok := errors.AsType[*zygote.UnfitError](err); ok {
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

// askWhereItWaits asks a worker in which the lifespan of an ASGI app does not complete its startup
// for the place, and reports whether it has answered. A worker that is still importing the app, or
// whose interpreter is stuck, does not answer.
func (w *worker) askWhereItWaits() bool {
	if !w.runner.settings.asgi {
		return false
	}
	w.Send(wire.Dump, []byte("its startup takes too long"))
	timer := time.NewTimer(control.StackTime)
	defer timer.Stop()
	select {
	case l := <-w.Loaded():
		w.failed = l.Failed
	case <-w.Ended():
	case <-timer.C:
	}
	return w.failed != nil
}
