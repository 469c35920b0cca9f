package python

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// worker is one process that runs the app. It implements [workers.Program].
type worker struct {
	*workers.Worker
	runner   *Runner
	guest    *guest          // its process, which came by itself; nil: the host has it started
	parent   *zygote.Process // the template that it is forked from; nil: it is started on its own
	replaces *forkFailure    // the worker that could not be forked; nil: none
	control  *net.UnixConn
	in       *wire.Reader // of control; for listen alone
	out      *wire.Writer // of control
	lanes    []*lane      // of a WSGI worker
	shared   *sharedLane  // of an ASGI worker
	places   places       // at it
	area     bool         // the lanes have plots

	heard    chan struct{}       // closes when nothing more is to be heard on the control connection
	loaded   chan loading        // has how loading the app ended
	failed   *wire.FailedMessage // from loaded; for Ready and Explain alone
	reported func(zygote.Report) // takes the report of its modules, once; nil: none is wanted. For listen alone

	dev      bool
	failures tracebacks // in development

	behind    atomic.Int32 // requests that wait behind another one on its lanes; set with the pool's lock held
	busy      int          // requests on its lanes; guarded by the pool
	abandoned int          // of those, the ones that were answered without it; guarded by the pool
	buried    bool
	drain     chan struct{} // closes when busy and abandoned are equal; nil while nobody wants to know

	lagAsked atomic.Int64 // when the event loop was asked after, as monotonic.Now has it

	mu    sync.Mutex
	lost  bool // it cannot be used any more
	dumps int  // stacks that were asked for and not logged yet
}

// loading is how loading the app ended.
type loading struct {
	ready  wire.ReadyMessage
	failed *wire.FailedMessage // nil when it is ready
}

// newWorker makes the job of a worker that is forked from parent unless that is nil.
func (r *Runner) newWorker(c *workers.Worker, parent *zygote.Process) *worker {
	w := &worker{
		Worker: c, runner: r, parent: parent, dev: r.config.Dev, heard: make(chan struct{}), loaded: make(chan loading, 1),
	}
	if r.files.Zygotes != nil {
		w.reported = func(m zygote.Report) { r.learnModules(w, m) }
	}
	return w
}

// say sends a frame on the control connection. When that fails the worker is ending, which listen sees.
func (w *worker) say(t wire.Type, payload []byte) {
	_ = w.out.Write(func(b []byte) []byte { return wire.AppendFrame(b, wire.Frame{Type: t, Payload: payload}) })
}

// damage notes that the worker broke the protocol, or that its connections do not work any more, and ends it.
func (w *worker) damage(err error) {
	w.Damage(err)
	w.lose()
}

// lose says that the worker cannot be used any more.
func (w *worker) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
	w.runner.roster.remove(w)
}

// settleDrain closes drain when it is time; the pool calls it with its lock held.
func (w *worker) settleDrain() {
	if w.drain != nil && w.busy == w.abandoned {
		close(w.drain)
		w.drain = nil
	}
}
