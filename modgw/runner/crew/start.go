package crew

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

var errLate = errors.New("the time to start is over")

// startWorker starts a worker and returns it when requests can come. After an error nothing of it is left; the error is
// a fault, errStopped, or ctx's.
func (c *Crew) startWorker(ctx context.Context, number int) (*Worker, error) {
	w := &Worker{Number: number, Log: c.config.Runner.Log.With("worker", number), wanted: make(chan string, 1)}
	w.job = c.config.NewJob(w)
	if err := c.launch(w); err != nil {
		return nil, c.notStarted(err)
	}
	if err := c.awaitReady(ctx, w); err != nil {
		w.process.Kill()
		<-w.process.Done()
		return nil, err
	}
	w.span.Arm(c.config.Runner.Descriptor.Recycle, w.Want)
	w.becameReady()
	w.Log.Info("worker ready")
	w.job.Begin()
	return w, nil
}

// launch starts the process of a worker.
func (c *Crew) launch(w *Worker) error {
	spec, err := w.job.Spec()
	if err != nil {
		return err
	}
	c.fill(&spec, w)
	if w.process, err = proc.Start(spec); err != nil {
		w.job.End()
		return err
	}
	w.Log = w.Log.With("pid", w.process.PID())
	w.event((*Life).Spawned)
	c.track(w, true)
	c.running.Go(func() { c.bury(w) })
	return nil
}

// fill fills in what is the same for all programs of an app.
func (c *Crew) fill(spec *proc.Spec, w *Worker) {
	d := c.config.Runner.Descriptor
	if spec.Env == nil {
		spec.Env = Environ(c.config.Runner, c.config.User)
	}
	if spec.Dir == "" {
		spec.Dir = d.Root
	}
	spec.Credential = c.config.User.Credential()
	spec.Limits = Limits(d)
	spec.Output.Line = w.printer()
}

// awaitReady waits until the worker can take requests.
func (c *Crew) awaitReady(ctx context.Context, w *Worker) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit := c.config.Runner.Descriptor.Timeouts.Startup; limit > 0 {
		timed, stop := context.WithTimeoutCause(ctx, limit, errLate)
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
			cancel(errEnded)
		case <-c.halt:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	err := w.job.Ready(ctx)
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case cause == nil && !w.ends(deathTime):
		return c.notStarted(err)
	case cause == nil:
		return c.endedEarly(w)
	case errors.Is(cause, errEnded):
		return c.endedEarly(w)
	case errors.Is(cause, errLate):
		return c.startedTooLong(w)
	default:
		return cause
	}
}

var errEnded = errors.New("the process has ended")

// bury waits for the end of a worker's process and lets go of all that belonged to it.
func (c *Crew) bury(w *Worker) {
	<-w.process.Done()
	w.job.End()
	w.span.Disarm()
	c.track(w, false)
	switch why := w.process.Exit().String(); w.state() {
	case Ready, Retiring:
		w.Log.Error("worker ended", "reason", why)
	case Stopping:
		w.Log.Info("worker stopped", "reason", why)
	}
	w.event((*Life).Exited)
}
