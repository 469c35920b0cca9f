package workers

import (
	"context"
	"errors"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

// oomScore makes the kernel kill a worker rather than the host when memory runs out.
const oomScore = 300

// deathTime is how long it takes at most to learn that a process whose connection broke has ended.
const deathTime = 500 * time.Millisecond

// Reasons why a worker did not become ready, other than those of its driver.
var (
	ErrEnded = errors.New("the process has ended")
	ErrLate  = errors.New("the time to start is over")
)

// startWorker starts a worker and returns it when it is ready for requests. A worker that yields
// loads its modules only when serving workers leave a processor free. After an error nothing of it
// is left; the error is the driver's explanation, errStopped, or ctx's.
func (p *Pool) startWorker(ctx context.Context, number int, yields bool) (*Worker, error) {
	if !p.beginStart() {
		return nil, errStopped
	}
	defer p.endStart()
	for newDriver := p.config.NewDriver; ; {
		w := p.newWorker(number, newDriver)
		err := p.prepare(ctx, w, yields)
		if err == nil {
			return w, nil
		}
		if w.sharing.inherited && ctx.Err() == nil && !errors.Is(err, errStopped) {
			w.Log.Info("worker of the other host not taken over, another one starts", "reason", err)
			continue
		}
		if newDriver = w.driver.Instead(err); newDriver == nil {
			return nil, err
		}
	}
}

func (p *Pool) newWorker(number int, newDriver func(*Worker) Driver) *Worker {
	w := &Worker{Number: number, Log: p.config.Runner.Log.With("worker", number), pool: p, wanted: make(chan string, 1)}
	w.sharing = sharing{inherited: p.takeInheritance(number), started: time.Now()}
	w.driver = newDriver(w)
	return w
}

// prepare starts the process of a worker and lets requests come when it is ready. After an error it
// has ended.
func (p *Pool) prepare(ctx context.Context, w *Worker, yields bool) error {
	if err := p.launch(w); err != nil {
		return err
	}
	if yields {
		w.process.Yield()
		defer time.AfterFunc(p.longestYield(), w.process.Resume).Stop()
	}
	details, err := p.awaitReady(ctx, w)
	if err != nil {
		w.process.Kill()
		<-w.process.Done()
		return err
	}
	w.process.Resume()
	w.recycle.start(p.config.Runner.Descriptor.Recycle, time.Since(w.sharing.started), w.Want)
	if !w.becameReady() {
		return w.explain(ErrEnded)
	}
	w.Log.Info("worker ready", details...)
	w.driver.Begin()
	return nil
}

// explain returns the reason why the worker was not started.
func (w *Worker) explain(err error) error {
	if w.sharing.inherited {
		return err // the app is not to blame
	}
	return w.driver.Explain(err)
}

// longestYield is the longest time that a starting worker leaves the processors to the serving
// ones: on a busy machine it might not become ready in time.
func (p *Pool) longestYield() time.Duration {
	const most = 10 * time.Second
	if startup := p.config.Runner.Descriptor.Timeouts.Startup; startup > 0 {
		return min(most, startup/4)
	}
	return most
}

// launch starts the process of a worker.
func (p *Pool) launch(w *Worker) error {
	process, err := w.driver.Launch()
	if err != nil {
		return w.explain(err)
	}
	w.process = process
	w.Log = w.Log.With("pid", process.PID())
	w.event((*stateMachine).spawned)
	p.track(w, true)
	p.running.Go(func() { p.cleanUp(w) })
	return nil
}

// awaitReady waits until the worker is ready for requests, and returns attributes for the log.
func (p *Pool) awaitReady(ctx context.Context, w *Worker) ([]any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := p.config.Runner.Descriptor.Timeouts.Startup
	if w.sharing.inherited {
		limit = joinTime
	}
	if limit > 0 {
		timed, stop := context.WithTimeoutCause(ctx, limit, ErrLate)
		defer stop()
		ctx = timed
	}
	watched := make(chan struct{})
	defer func() { <-watched }()
	defer cancel(nil)
	go func() {
		defer close(watched)
		select {
		case <-w.process.Done():
			cancel(ErrEnded)
		case <-p.halt:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	details, err := w.driver.Ready(ctx)
	switch cause := context.Cause(ctx); {
	case err == nil:
		return details, nil
	case cause == nil:
		return nil, w.explain(err)
	case errors.Is(cause, ErrEnded), errors.Is(cause, ErrLate):
		return nil, w.explain(cause)
	default:
		return nil, cause
	}
}

// cleanUp waits for the end of a worker's process and releases all that belonged to it.
func (p *Pool) cleanUp(w *Worker) {
	<-w.process.Done()
	w.driver.End()
	w.recycle.stop()
	p.track(w, false)
	p.logEnd(w, w.exited())
}

// logEnd logs the end of a worker that was in the state before. Why a worker did not become ready
// was logged already.
func (p *Pool) logEnd(w *Worker, state State) {
	switch {
	case w.isLeft():
		if w.process.Exit().Cause == proc.Left { // otherwise the other host reports its end
			w.Log.Info("worker left to the other host")
		}
	case state == Stopping:
		w.Log.Info("worker stopped", "reason", w.Reason())
	case state != Ready && state != Asleep && state != Retiring:
	case w.attached:
		w.Log.Info("worker detached", "reason", w.Reason()) // it may come again
	default:
		w.Log.Error("worker ended", "reason", w.Reason())
	}
}
