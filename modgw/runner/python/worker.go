package python

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/runner/python/attach"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// worker is one process that runs the app. It implements [workers.Driver].
type worker struct {
	*control.Worker
	runner  *Runner
	started time.Time // before its process was
	// its process, which the host has not started; nil: the host starts one
	attached *attach.Process
	parent   *zygote.Process // the template that it is forked from; nil: it is started on its own
	replaces *forkFailure    // the worker that could not be forked; nil: none

	// its own metrics, which outlive it; nil: it has none
	values *appvalues.Worker

	// memory with its measurements of its interpreter; nil: none
	pauses *os.File

	begun atomic.Bool // it takes requests, or did
	// its own [wire.JoinVersion]; set by Ready
	joins int

	// why the app was not loaded; nil: it was. Used by Ready and Explain only
	failed *wire.FailedMessage
}

var (
	_ workers.Driver    = (*worker)(nil)
	_ workers.Measured  = (*worker)(nil)
	_ workers.Collector = (*worker)(nil)
	_ workers.Sharing   = (*worker)(nil)
)

// newWorker makes the driver of a worker that is forked from parent unless that is nil.
func (r *Runner) newWorker(c *workers.Worker, parent *zygote.Process) *worker {
	w := &worker{runner: r, started: time.Now(), parent: parent}
	config := control.Config{Pool: r.Pool, Dev: r.app.Dev}
	if r.files.Zygotes != nil {
		config.Report = func(payload []byte) error {
			report, err := zygote.DecodeReport(payload)
			if err == nil {
				r.learnModules(w, report)
			}
			return err
		}
	}
	w.Worker = control.New(c, config)
	return w
}

// Retire implements [workers.Driver].
func (w *worker) Retire() <-chan struct{} {
	return w.Connections.Drained()
}

// Stop implements [workers.Driver]: the worker finishes its requests, and ends.
func (w *worker) Stop() {
	if w.attached != nil {
		<-w.runner.listener.Closed() // it must not attach here again
	}
	w.Send(wire.Stop, nil)
}

// End implements [workers.Driver].
func (w *worker) End() {
	w.Lose()
	w.AwaitLastWords()
	w.Close()
	w.Connections.CleanUp()
	w.releaseMemory()
}

// releaseMemory frees the worker's measurements.
func (w *worker) releaseMemory() {
	w.values.Retire()
	_ = w.pauses.Close() // it was only read, or is nil
}

// Interpreter implements [workers.Measured].
func (w *worker) Interpreter() *modgw.InterpreterStatus { return readPauses(w.pauses) }
