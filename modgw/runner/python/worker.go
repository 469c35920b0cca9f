package python

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/wire"
)

// worker is one process that runs the app, from its start to its end. It is never started again: another one takes its
// number.
type worker struct {
	number   int
	log      *slog.Logger // has the attributes worker and pid
	process  process
	attached bool      // it came by itself, and its process is not the host's
	template *template // that it was forked from; nil: none
	control  *net.UnixConn
	in       *wire.Reader  // of control; for listen alone
	out      *wire.Writer  // of control
	lanes    []*lane       // of a WSGI worker
	shared   *sharedLane   // of an ASGI worker
	seats    *queue.Member // at it
	output   crew.Tail     // what it printed last

	reported func(workerReport) // takes the report of its modules, once; nil: none is wanted. For listen alone

	dev      bool
	failures tracebacks // in development

	busy      int // requests on its lanes; guarded by the pool
	abandoned int // of those, the ones that were answered without it; guarded by the pool
	buried    bool
	drain     chan struct{} // closes when busy and abandoned are equal; nil while nobody wants to know

	span     crew.Span
	lagAsked atomic.Int64 // when the event loop was asked after, in Unix nanoseconds
	wanted   chan string  // has the reason once it is to be replaced; the first one wins
	loaded   chan loading // has how loading the app ended
	lost     chan struct{}
	loseOnce sync.Once

	mu      sync.Mutex
	life    crew.Life
	broken  error     // the rule of the protocol that it broke; nil
	readyAt time.Time // zero: never
	dumps   int       // stacks that were asked for and not logged yet
}

// loading is how loading the app ended.
type loading struct {
	ready  wire.ReadyMessage
	failed *wire.FailedMessage // nil when it is ready
}

// say sends a frame on the control connection. When that fails the worker is ending, which listen sees.
func (w *worker) say(t wire.Type, payload []byte) {
	_ = w.out.Write(func(b []byte) []byte { return wire.AppendFrame(b, wire.Frame{Type: t, Payload: payload}) })
}

// want asks for the worker to be replaced.
func (w *worker) want(reason string) {
	select {
	case w.wanted <- reason:
	default: // somebody else asked already
	}
}

// event applies an event of the worker's life. What is impossible is a bug, and worth a line in the log.
func (w *worker) event(apply func(*crew.Life) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := apply(&w.life); err != nil {
		w.log.Error("worker got an impossible event", "error", err)
	}
}

// damage notes that the worker broke the protocol, or that its connections do not work any more, and ends it.
func (w *worker) damage(err error) {
	w.mu.Lock()
	if w.broken == nil {
		w.broken = err
	}
	w.mu.Unlock()
	w.process.Kill()
	w.lose()
}

// lose says that the worker cannot be used any more.
func (w *worker) lose() { w.loseOnce.Do(func() { close(w.lost) }) }

// settleDrain closes drain when it is time; the pool calls it with its lock held.
func (w *worker) settleDrain() {
	if w.drain != nil && w.busy == w.abandoned {
		close(w.drain)
		w.drain = nil
	}
}

// stayedReady is how long the worker has been ready; 0 when it never was.
func (w *worker) stayedReady() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.readyAt.IsZero() {
		return 0
	}
	return time.Since(w.readyAt)
}

// why explains the end of the worker, after it.
func (w *worker) why() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken.Error()
	}
	return w.process.Exit().String()
}

func (w *worker) status() modgw.WorkerStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	status := modgw.WorkerStatus{
		Number:   w.number,
		State:    w.life.State.String(),
		Since:    w.life.Since,
		Requests: w.span.Requests(),
	}
	if w.process != nil && w.life.State != crew.Ended {
		status.PID = w.process.PID()
		status.Memory = proc.ResidentMemory(status.PID)
	}
	return status
}
