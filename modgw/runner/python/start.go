package python

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// stackTime is how long a worker may take to print its stacks when it is told to abort.
const stackTime = 2 * time.Second

// Ready implements [workers.Program]: it tells the worker what to load, and waits until it has.
func (w *worker) Ready(ctx context.Context) ([]any, error) {
	r := w.runner
	r.reading.Go(w.listen)
	if w.shared != nil {
		r.reading.Go(w.shared.read)
	}
	if w.guest == nil { // a guest knows
		w.say(wire.Start, r.startMessage(w.Number).Append(nil))
	}
	select {
	case l := <-w.loaded:
		if w.failed = l.failed; w.failed != nil {
			return nil, w.cannotLoad()
		}
		if !l.ready.Area && w.shared == nil {
			w.unshare()
		}
		return []any{"python", proc.Printable(l.ready.Python), "callable", proc.Printable(l.ready.Callable)}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Begin implements [workers.Program].
func (w *worker) Begin() {
	if w.replaces != nil {
		w.runner.zygote.Distrust(w.runner.zygoteApp(), w.replaces.parent, w.replaces.err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.lost {
		w.runner.roster.add(w)
	}
}

// Explain implements [workers.Program]. What a worker said last may still be on its way. One that is late prints the stacks of its
// threads: SIGABRT makes it do that even when it is stuck.
func (w *worker) Explain(err error) error {
	if errors.Is(err, workers.ErrEnded) && w.failed == nil {
		w.hearOut()
		select {
		case l := <-w.loaded:
			w.failed = l.failed
		default:
		}
	}
	c := w.runner.config
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
		w.abort()
		return startedTooLong(c, w.Output())
	case isUnfit:
		return err
	}
	return cannotStart(c, err)
}

// cannotLoad is why the worker could not load the app, or should not have in a process that was forked.
func (w *worker) cannotLoad() error {
	if w.parent != nil && w.failed.Reason == "template" {
		return &zygote.UnfitError{Reason: proc.Printable(w.failed.Message)}
	}
	return cannotLoad(w.runner.config, w.failed)
}

// Instead implements [workers.Program]: a worker that could not be forked might still be started on its own.
func (w *worker) Instead(err error) func(*workers.Worker) workers.Program {
	if w.parent == nil || !mayBeTheTemplate(err) {
		return nil
	}
	return func(c *workers.Worker) workers.Program {
		other := w.runner.newWorker(c, nil)
		other.replaces = &forkFailure{w.parent, err}
		return other
	}
}

// mayBeTheTemplate reports whether a worker that could not be forked might still be started on its own.
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

// askWhereItWaits asks a worker in which the lifespan of an ASGI app does not complete its startup for the place, and reports
// whether it has answered. One that imports the app still, or whose interpreter is stuck, does not.
func (w *worker) askWhereItWaits() bool {
	if !w.runner.program.asgi {
		return false
	}
	w.say(wire.Dump, []byte("its startup takes too long"))
	timer := time.NewTimer(stackTime)
	defer timer.Stop()
	select {
	case l := <-w.loaded:
		w.failed = l.failed
	case <-w.heard:
	case <-timer.C:
	}
	return w.failed != nil
}

// abort makes the worker print the stacks of its threads and end.
func (w *worker) abort() {
	w.Signal(syscall.SIGABRT)
	timer := time.NewTimer(stackTime)
	defer timer.Stop()
	select {
	case <-w.Done():
	case <-timer.C:
	}
}
