package wsgi

import (
	"math"
	"sync/atomic"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/wire"
)

// Worker is a worker with the connections to its threads.
type Worker struct {
	*control.Worker
	Conns []*Conn // connections to the threads, by number

	scheduler *scheduler
	loop      *eventloop.Loop // watches the connections

	shared int // how many pieces of memory the worker gets

	interruptible atomic.Bool // it can raise an exception in a thread that runs a request

	waiting atomic.Int32 // requests behind another one on a connection; set with scheduler.mu held

	// Guarded by scheduler.mu.
	busy      int           // requests on the connections
	abandoned int           // requests among them that were answered without the worker
	ended     bool          // the process has ended
	silent    bool          // it was told to end a request and has not answered: it gets no others
	drained   chan struct{} // closes when busy and abandoned are equal; nil: it is not wanted
}

var _ control.Connections = (*Worker)(nil)

// Add implements [control.Connections].
func (w *Worker) Add() { w.scheduler.add(w) }

// Remove implements [control.Connections].
func (w *Worker) Remove() { w.scheduler.remove(w) }

// Drained implements [control.Connections].
func (w *Worker) Drained() <-chan struct{} {
	w.scheduler.remove(w)
	return w.scheduler.drained(w)
}

// Read implements [control.Connections]: the requests read.
func (w *Worker) Read() {}

// Loaded implements [control.Connections].
func (w *Worker) Loaded(m wire.ReadyMessage) {
	w.interruptible.Store(m.Interrupt)
	if !m.Buffer {
		w.closeBuffers()
	}
}

// Answered implements [control.Connections].
func (w *Worker) Answered() { w.scheduler.resume(w) }

// CleanUp implements [control.Connections]. A connection that has a request is closed when that
// ends.
func (w *Worker) CleanUp() {
	for _, c := range w.scheduler.cleanUp(w) {
		c.close()
	}
}

// Close implements [control.Connections].
func (w *Worker) Close() {
	for _, c := range w.Conns {
		c.close()
	}
}

// wake has every thread that is idle look at its connections. It drops a frame for a stream that
// never was.
func (w *Worker) wake() {
	frame := wire.Frame{Type: wire.Cancel, Stream: math.MaxUint32}
	for _, c := range w.Conns {
		// A write error surfaces on the read side.
		_ = c.out.Write(func(b []byte) []byte { return wire.AppendFrame(b, frame) })
	}
}

// Shared implements [control.Connections].
func (w *Worker) Shared() int { return w.shared }

// Cut implements [control.Connections].
func (w *Worker) Cut() {
	for _, c := range w.Conns {
		c.conn.Shutdown()
	}
}

// checkDrained closes drained when it is time; scheduler.mu is held.
func (w *Worker) checkDrained() {
	if w.drained != nil && w.busy == w.abandoned {
		close(w.drained)
		w.drained = nil
	}
}
