package workers

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Worker is one process of a pool, from its start to its end. It is never started again: another
// one takes its number.
type Worker struct {
	Number int          // its number in the pool, from 1
	Log    *slog.Logger // has the attribute worker, and pid once there is a process

	pool     *Pool
	driver   Driver
	attached bool    // it was started by someone else, and is not replaced when it ends
	process  Process // set by launch, before anything but the driver knows the worker
	output   proc.Tail
	asked    atomic.Bool // it was asked to end
	wanted   chan string // has the reason once it is to be replaced; the first one wins

	sharing sharing // shared is guarded by mu
	recycle recycleLimits
	endless modgw.Endless

	mu      sync.Mutex
	machine stateMachine
	broken  error     // why it was ended by force; nil: it was not
	readyAt time.Time // zero: never
}

// Want asks for the worker to be replaced: by another one first, and only then it is retired.
func (w *Worker) Want(reason string) {
	select {
	case w.wanted <- reason:
	default: // it was asked for already
	}
}

// OnReplaced registers a response that may last forever, such as an event stream or WebSocket. When
// its request's generation has been replaced, or the worker was retired, move is called unless it
// is nil, and end is called Timeouts.WebSocketDrain later. Both are called at most once and must
// not wait for the response. cancel ends the registration; call it when the response has ended, or
// has moved.
func (w *Worker) OnReplaced(info *modgw.RequestInfo, move, end func()) (cancel func()) {
	end = sync.OnceFunc(end)
	if move != nil {
		move = sync.OnceFunc(move)
	}
	ofGeneration, ofWorker := info.OnReplaced(move, end), w.endless.Add(move, end)
	return func() {
		ofGeneration()
		ofWorker()
	}
}

// Began notes that the worker was given a request.
func (w *Worker) Began() { w.recycle.requestBegan() }

// PID returns the id of its process; 0: it has none, or it is unknown.
func (w *Worker) PID() int {
	if w.process == nil {
		return 0
	}
	return w.process.PID()
}

// Finished counts a request, and asks for the worker to be replaced when it has done enough.
func (w *Worker) Finished() { w.recycle.requestFinished(w.process.PID()) }

// Done closes when the process has ended.
func (w *Worker) Done() <-chan struct{} { return w.process.Done() }

// Ending reports whether the process has ended or is about to.
func (w *Worker) Ending() bool { return w.process.Ending() }

// Kill ends the process by force.
func (w *Worker) Kill() { w.process.Kill() }

// SignalLeader sends a signal to the process, and not to its children.
func (w *Worker) SignalLeader(sig syscall.Signal) { w.process.SignalLeader(sig) }

// Damage records an error of the worker as the reason for its end, and ends it by force.
func (w *Worker) Damage(err error) {
	w.mu.Lock()
	if w.broken == nil {
		w.broken = err
	}
	w.mu.Unlock()
	w.process.Kill()
}

// Reason explains the end of the worker, after it.
func (w *Worker) Reason() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken.Error()
	}
	return w.process.Exit().String()
}

// Why explains the end of the worker, if it ends soon: a client waits for an answer.
func (w *Worker) Why() string {
	if w.process.Ending() || w.ends(deathTime) {
		return w.Reason()
	}
	return "its connection broke"
}

// Output returns the last output of the worker.
func (w *Worker) Output() string { return w.output.String() }

// EndSoon returns when the process has ended, by itself or, because of err, by force.
func (w *Worker) EndSoon(err error) {
	if !w.ends(deathTime) {
		w.Log.Warn("worker killed", "reason", err)
		w.process.Kill()
		<-w.process.Done()
	}
}

// ends reports whether the process ends within the time.
func (w *Worker) ends(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-w.process.Done():
		return true
	case <-timer.C:
		return false
	}
}

// event applies an event to the worker's state, and reports whether it took effect. After the
// worker's end, which may come at any time, none does. An event that is impossible before the end
// is a bug, and is logged.
func (w *Worker) event(apply func(*stateMachine) error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.machine.state == Ended {
		return false
	}
	err := apply(&w.machine)
	if err != nil {
		w.Log.Error("worker got an impossible event", "error", err)
	}
	return err == nil
}

// becameReady reports false when the worker has ended instead.
func (w *Worker) becameReady() bool {
	ready := w.event((*stateMachine).loaded)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readyAt = time.Now()
	return ready
}

// exited is the event of the worker's end. It returns the state before it.
func (w *Worker) exited() (before State) {
	w.event(func(m *stateMachine) error {
		before = m.state
		return m.exited()
	})
	return before
}

// worked reports whether the worker, which has ended, was given a request or was ready for a while.
func (w *Worker) worked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.recycle.hasBegun() || !w.readyAt.IsZero() && time.Since(w.readyAt) >= settledTime
}

func (w *Worker) isReady() bool { return w.isIn(Ready) }

func (w *Worker) isIn(s State) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.state == s
}

func (w *Worker) status() modgw.WorkerStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	status := modgw.WorkerStatus{
		Number:   w.Number,
		State:    w.machine.state.String(),
		Since:    w.machine.since,
		Requests: w.recycle.countFinished(),
	}
	if w.machine.state != Ended {
		status.PID = w.process.PID()
		status.Memory = proc.ResidentMemory(status.PID)
		if m, ok := w.driver.(Measured); ok {
			status.Interpreter = m.Interpreter()
		}
	}
	return status
}

// logLine logs an app's output line.
func logLine(log *slog.Logger, line proc.Line) {
	attrs := []any{"stream", line.Stream}
	if line.PID != 0 {
		attrs = append(attrs, "pid", line.PID)
	}
	if line.Dropped > 0 {
		log.Warn("app output dropped", append(attrs, "lines", line.Dropped, "bytes", line.DroppedBytes)...)
		return
	}
	log.Info(modgw.AppLine, append(attrs, "line", line.Text)...)
}
