package crew

import (
	"context"
	"errors"
	"time"
)

// OOMScore makes the kernel kill a worker rather than the host when memory runs out.
const OOMScore = 300

// deathTime is how long it takes at most to learn that a process whose connection broke has ended.
const deathTime = 500 * time.Millisecond

// Why a worker did not become ready, besides what its job says.
var (
	ErrEnded = errors.New("the process has ended")
	ErrLate  = errors.New("the time to start is over")
)

// startWorker starts a worker and returns it when requests can come. One that yields loads what it must when those that
// serve leave a processor free. After an error nothing of it is left; the error is what the job has explained, errStopped, or ctx's.
func (c *Crew) startWorker(ctx context.Context, number int, yields bool) (*Worker, error) {
	for newJob := c.config.NewJob; ; {
		w := c.newWorker(number, newJob)
		err := c.prepare(ctx, w, yields)
		if err == nil {
			return w, nil
		}
		if newJob = w.job.Instead(err); newJob == nil {
			return nil, err
		}
	}
}

func (c *Crew) newWorker(number int, newJob func(*Worker) Job) *Worker {
	w := &Worker{Number: number, Log: c.config.Runner.Log.With("worker", number), crew: c, wanted: make(chan string, 1)}
	w.job = newJob(w)
	return w
}

// prepare starts the process of a worker and lets requests come when it is ready. After an error it has ended.
func (c *Crew) prepare(ctx context.Context, w *Worker, yields bool) error {
	if err := c.launch(w); err != nil {
		return err
	}
	if yields {
		w.process.Yield()
		defer time.AfterFunc(c.longestYield(), w.process.Resume).Stop()
	}
	details, err := c.awaitReady(ctx, w)
	if err != nil {
		w.process.Kill()
		<-w.process.Done()
		return err
	}
	w.process.Resume()
	w.span.Arm(c.config.Runner.Descriptor.Recycle, w.Want)
	if !w.becameReady() {
		return w.job.Explain(ErrEnded)
	}
	w.Log.Info("worker ready", details...)
	w.job.Begin()
	return nil
}

// longestYield is how long a worker that starts leaves the processors to those that serve, at most: on a busy machine it might
// not become ready in time.
func (c *Crew) longestYield() time.Duration {
	const most = 10 * time.Second
	if startup := c.config.Runner.Descriptor.Timeouts.Startup; startup > 0 {
		return min(most, startup/4)
	}
	return most
}

// launch starts the process of a worker.
func (c *Crew) launch(w *Worker) error {
	p, err := w.job.Launch()
	if err != nil {
		return w.job.Explain(err)
	}
	w.process = p
	w.Log = w.Log.With("pid", p.PID())
	w.event((*Life).Spawned)
	c.track(w, true)
	c.running.Go(func() { c.bury(w) })
	return nil
}

// awaitReady waits until the worker can take requests, and returns what the log should say of it.
func (c *Crew) awaitReady(ctx context.Context, w *Worker) ([]any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit := c.config.Runner.Descriptor.Timeouts.Startup; limit > 0 {
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
		case <-c.halt:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	details, err := w.job.Ready(ctx)
	switch cause := context.Cause(ctx); {
	case err == nil:
		return details, nil
	case cause == nil:
		return nil, w.job.Explain(err)
	case errors.Is(cause, ErrEnded), errors.Is(cause, ErrLate):
		return nil, w.job.Explain(cause)
	default:
		return nil, cause
	}
}

// bury waits for the end of a worker's process and lets go of all that belonged to it.
func (c *Crew) bury(w *Worker) {
	<-w.process.Done()
	w.job.End()
	w.span.Disarm()
	c.track(w, false)
	c.logEnd(w, w.exited())
}

// logEnd logs the end of a worker that was in the state, once. Of one that never was ready the explanation tells, and of one that was told to end
// nobody needs to know more.
func (c *Crew) logEnd(w *Worker, state State) {
	switch {
	case state == Stopping:
		w.Log.Info("worker stopped", "reason", w.Reason())
	case state != Ready && state != Retiring:
	case w.guest:
		w.Log.Info("worker detached", "reason", w.Reason()) // it may come again
	default:
		w.Log.Error("worker ended", "reason", w.Reason())
	}
}
