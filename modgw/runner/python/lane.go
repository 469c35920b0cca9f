package python

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// lane is one connection to a worker. It carries one stream after another: a lane is taken from the pool, a stream is
// opened on it, and it goes back when the worker has closed the stream. The goroutine that has the stream reads the
// connection itself, so that a request costs no hand-over between goroutines.
type lane struct {
	worker *worker
	number int // from 0
	conn   *net.UnixConn
	in     *wire.Reader
	out    *wire.Writer

	busy      bool // guarded by the pool
	abandoned bool // the request was answered without the worker; guarded by the pool

	last uint32 // id of the latest stream; ids are never used twice

	mu      sync.Mutex
	current *stream // whose reading may be interrupted
	bounded bool    // a read deadline is set
}

// newLane returns a lane and the end of it that the worker inherits.
func newLane(w *worker, number int) (*lane, *os.File, error) {
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, nil, err
	}
	return &lane{
		worker: w,
		number: number,
		conn:   conn,
		in:     wire.NewReader(conn),
		out:    wire.NewWriter(conn),
	}, theirs, nil
}

// open begins a stream with a Request frame. An error means that the worker cannot have received it whole.
func (l *lane) open(head, body []byte, end bool, deadline time.Time) (*stream, error) {
	if l.last == 1<<32-1 {
		return nil, errLaneSpent
	}
	l.last++
	if l.last == 1<<31 {
		l.worker.want("one of its lanes has used half of its stream ids")
	}
	s := &stream{lane: l, outflow: outflow{id: l.last, out: l.out, credit: make(chan struct{}, 1)}, deadline: deadline}
	s.window.Store(int64(wire.InitialWindow - len(body)))
	l.bind(s)
	flags := wire.Flags(0)
	if end {
		flags = wire.FlagEnd
	}
	err := l.out.Write(func(b []byte) []byte { return wire.AppendRequest(b, s.id, flags, head, body) })
	if err != nil {
		l.unbind()
		return nil, err
	}
	return s, nil
}

func (l *lane) bind(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = s
	l.setDeadline(s.deadline)
}

func (l *lane) unbind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
}

// setDeadline bounds reading; l.mu is held. A lane that is idle reads nothing, so an old deadline does not matter to it.
func (l *lane) setDeadline(t time.Time) {
	if t.IsZero() && !l.bounded {
		return
	}
	l.bounded = !t.IsZero()
	// It fails only on a closed connection, which reading tells.
	_ = l.in.SetDeadline(t)
}

// settle checks what the worker sent beyond the end of its stream: nothing that belongs to a response may be there.
func (l *lane) settle() error {
	for {
		f, ok, err := l.in.Buffered()
		if !ok || err != nil {
			return err
		}
		if err := l.stale(f); err != nil {
			return err
		}
	}
}

// stale judges a frame that does not belong to the open stream. What crossed the end of its stream on the way is
// dropped.
func (l *lane) stale(f wire.Frame) error {
	if f.Stream <= l.last && (f.Type == wire.Window || f.Type == wire.Abort) {
		return nil
	}
	return brokeRule("a %s frame for stream %d, which is not open", f.Type, f.Stream)
}

// close ends the lane; nobody reads it any more.
func (l *lane) close() {
	l.in.Release()
	l.conn.Close()
}
