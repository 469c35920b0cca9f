package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// ExitTime is how long a process may take to end after it closed its control connection. The kernel
// closes it early in the exit of every process.
const ExitTime = time.Second

// sendTime is how long a worker may take to make room for a frame on its control connection. A
// worker that does not read there must delay neither an upgrade nor a goroutine of the host.
const sendTime = 3 * time.Second

// ErrStreamsSpent is the error of a connection that has no stream ids left. The worker is replaced.
var ErrStreamsSpent = errors.New("the connection has no stream ids left")

// Worker is one worker process, from before its start until after its end.
type Worker struct {
	*workers.Worker // nil until an attached worker is accepted
	Config

	// Connections carry its requests; nil until they are made.
	Connections Connections

	in     *wire.Reader // reads conn; used by Read only
	conn   *net.UnixConn
	out    *wire.Writer
	ended  chan struct{} // closed at the end of the control connection
	loaded chan Loading

	tracebacks tracebacks // in development
	questions  questions

	dumpAsked atomic.Int64 // when the event loop was last asked for, as [monotonic.Now]; 0: never

	mu    sync.Mutex
	lost  bool // it gets no more requests
	dumps int  // stacks that were asked for and have not been logged
}

// Config is the configuration of a Worker.
type Config struct {
	Pool *workers.Pool // the pool of the worker; runs goroutines that outlive a request
	Dev  bool          // keep tracebacks for error pages

	// Attached means that the end of its control connection is the end of the worker, because its
	// process is not the host's.
	Attached bool

	// Report is called with the payload of the first Event frame; nil: the worker must send none.
	Report func(payload []byte) error
}

// Loading is the result of loading the app.
type Loading struct {
	Ready  wire.ReadyMessage   // the versions and the callable; zero if it failed
	Failed *wire.FailedMessage // nil: the worker is ready
}

// New makes a Worker that is not connected yet.
func New(w *workers.Worker, c Config) *Worker {
	return &Worker{Worker: w, Config: c, ended: make(chan struct{}), loaded: make(chan Loading, 1)}
}

// Connect sets the worker's control connection. It must be called first.
func (w *Worker) Connect(conn *net.UnixConn) {
	w.conn, w.in, w.out = conn, wire.NewReader(conn), wire.NewBoundedWriter(conn, sendTime)
}

// Close closes the control connection, if there is one.
func (w *Worker) Close() {
	if w.conn != nil {
		w.conn.Close()
	}
}

// Send sends a frame on the control connection. The end of the connection surfaces in
// [Worker.Read].
func (w *Worker) Send(t wire.Type, payload []byte) {
	w.noteSent(w.out.Write(func(b []byte) []byte {
		return wire.AppendFrame(b, wire.Frame{Type: t, Payload: payload})
	}))
}

// noteSent replaces a worker that does not read. Nothing can be sent to it any more.
func (w *Worker) noteSent(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Want("it reads nothing on its control connection")
	}
}

// Join makes the worker serve another host too, which has made the files for it, as [wire.Join]
// requires. They are closed.
func (w *Worker) Join(files []*os.File) error {
	err := w.out.PassFiles(wire.Frame{Type: wire.Join}, files)
	w.noteSent(err)
	if err != nil {
		for _, f := range files {
			f.Close()
		}
	}
	return err
}

// Loaded returns the channel that receives how loading the app ended, at most once.
func (w *Worker) Loaded() <-chan Loading { return w.loaded }

// Ended returns a channel that is closed at the end of the control connection.
func (w *Worker) Ended() <-chan struct{} { return w.ended }

// Begin lets requests come, unless the worker was lost.
func (w *Worker) Begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.lost {
		w.Connections.Add()
	}
}

// Lose lets no more requests come, also if Begin is called later.
func (w *Worker) Lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
	w.Connections.Remove()
}

// Fail ends a worker that has broken the protocol, or whose connections do not work any more.
func (w *Worker) Fail(err error) {
	w.Damage(err)
	w.Lose()
}

// Suspect notes the error of a connection to the worker. One that broke the protocol is ended at
// once. Otherwise the worker is probably ending, and keeps its own reason for it.
func (w *Worker) Suspect(err error) {
	w.Lose()
	_, broke := errors.AsType[*wire.ProtocolError](err)
	if broke || errors.Is(err, ErrStreamsSpent) {
		w.Fail(err)
		return
	}
	w.Pool.Background(func() {
		timer := time.NewTimer(ExitTime)
		defer timer.Stop()
		select {
		case <-w.Done():
		case <-timer.C:
			w.Fail(fmt.Errorf("a connection to it broke: %w", err))
		}
	})
}
