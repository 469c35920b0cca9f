package python

import (
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// lookAhead is how much work a lane may be given at once: so many requests as its thread can be expected to answer
	// in this time.
	lookAhead = time.Millisecond

	// computeAhead is the same while the thread computes, when another one would only take the interpreter from it.
	computeAhead = 20 * time.Millisecond

	// mostAhead is how many requests that is at most.
	mostAhead = 64

	// computingShare is the share of its time that a thread computes whose requests do not wait, in 255ths. It leaves
	// something for waiting for a processor.
	computingShare = 190
)

// lane is one connection to a thread of a worker. The requests on it are answered in their order, and the goroutine whose
// answer is the next one reads the connection itself: a request that is alone costs no hand-over between goroutines.
type lane struct {
	worker *worker
	pool   *pool
	number int // from 0
	conn   io.Closer
	in     *wire.Reader // belongs to the first stream
	out    *wire.Writer
	plot   *wire.Plot    // that large bodies pass through; nil: none
	credit chan struct{} // has a token after more of a request's body may be sent

	load  int  // requests on it; guarded by the pool
	alone bool // the one on it shares the lane with no other; guarded by the pool

	depth    atomic.Int32 // how many requests it may have at once; 0, before anything is known of it: one
	computes atomic.Bool  // its thread computes nearly all the time that its requests take
	stalled  atomic.Bool  // its thread is busy with a request for long, and gets no more
	keeps    atomic.Bool  // of one that is stalled: it seems to keep the interpreter all the time

	unflushed []*direct // whose frames are to be written at the end of the loop's turn; the loop's

	last atomic.Uint32 // id of the latest stream; ids are never used twice

	mu       sync.Mutex
	order    []*stream // that the worker has not closed, in the order of their requests
	progress int       // how many streams have left
	broken   error     // why nothing more can be read
	bound    time.Time // the read deadline of the connection
	attends  bool      // the loop is about to attend
	watch    watch
}

// newLane returns a lane and the end of it that the worker inherits. Without a loop only goroutines can use it.
func newLane(p *pool, w *worker, number int, loop *eventloop.Loop) (*lane, *os.File, error) {
	l := &lane{worker: w, pool: p, number: number, credit: make(chan struct{}, 1)}
	if loop == nil {
		conn, theirs, err := wire.Pair()
		if err != nil {
			return nil, nil, err
		}
		l.conn, l.in, l.out = conn, wire.NewReader(conn).InPieces(), wire.NewWriter(conn)
		return l, theirs, nil
	}
	socket, theirs, err := wire.LoopPair(loop, l.arrived)
	if err != nil {
		return nil, nil, err
	}
	l.conn, l.in, l.out = socket, wire.NewSocketReader(socket).InPieces(), wire.NewSocketWriter(socket)
	return l, theirs, nil
}

// open begins a stream with a Request frame. After an error the stream has left already.
func (l *lane) open(s *stream, head, body []byte) error {
	l.adopt(s, body)
	flags := wire.FlagEnd
	if !s.whole {
		flags = 0
		s.credit = l.credit // no other stream is on the lane
	}
	var refused error
	err := l.out.Write(func(b []byte) []byte {
		if refused = l.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.id, flags, head, body)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		s.leave()
	}
	return err
}

// adopt lets a stream belong to the lane. Its Request frame has body.
func (l *lane) adopt(s *stream, body []byte) {
	s.lane, s.out, s.plot, s.most = l, l.out, l.plot, wire.ThreadWindow
	s.received.Size = wire.ThreadWindow
	s.window.Store(s.most - int64(len(body)))
}

// register gives a stream its id and its place. Ids grow in the order of the Request frames.
func (l *lane) register(s *stream) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return l.broken
	case l.last.Load() == 1<<32-1:
		return errLaneSpent
	}
	s.id = l.last.Add(1)
	if s.id == 1<<31 {
		l.worker.Want("one of its lanes has used half of its stream ids")
	}
	l.order = append(l.order, s)
	if len(l.order) == 1 {
		s.begin()
	} else if s.direct == nil {
		s.turn = make(chan struct{}, 1)
	}
	l.watchOver()
	return nil
}

// remove takes a stream off the lane, after which the next one may read; l.mu is held. An error means that the worker has
// sent what belongs to no stream.
func (l *lane) remove(s *stream) error {
	i := slices.Index(l.order, s)
	if i < 0 {
		return nil
	}
	l.order = slices.Delete(l.order, i, i+1)
	if i > 0 {
		return nil
	}
	l.progress++
	if l.stalled.Swap(false) {
		l.keeps.Store(false)
		l.watch.on = false // it begins anew
	}
	if len(l.order) == 0 {
		err := l.settle()
		l.in.Rest()
		return err
	}
	l.order[0].begin()
	l.order[0].wake()
	l.watchOver()
	return nil
}

// isFirst reports whether a stream is the one that reads; l.mu is held.
func (l *lane) isFirst(s *stream) bool { return len(l.order) > 0 && l.order[0] == s }

// waits reports whether a stream waits behind the first one.
func (l *lane) waits(id uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.order) > 1 && slices.ContainsFunc(l.order[1:], func(s *stream) bool { return s.id == id })
}

// fail says that nothing more can be read.
func (l *lane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
	}
}

// paced takes note of how long the thread's requests take of late, and of how much of that it computes.
func (l *lane) paced(pace, cpu uint8) {
	depth, ahead := 1, lookAhead
	computes := cpu >= computingShare && pace < wire.MaxPace && !l.pool.parallel
	if computes {
		ahead = computeAhead
	}
	if pace > 0 && pace < wire.MaxPace {
		depth = min(max(1, int(ahead/wire.PaceUnit)/int(pace)), mostAhead)
	}
	l.computes.Store(computes)
	l.depth.Store(int32(depth))
}

// hasRoom reports whether a request may wait behind those that the lane has; the pool's lock is held.
func (l *lane) hasRoom() bool {
	return !l.alone && l.load < int(l.depth.Load()) && !l.stalled.Load()
}

// isComputing reports whether another thread would only take the interpreter from the one of this lane; the pool's lock is held.
func (l *lane) isComputing() bool {
	return l.load > 0 && l.computes.Load() && !l.stalled.Load()
}

// setDeadline bounds reading; l.mu is held. A bound that comes earlier, and not yet, stays: the reader puts it off then,
// which is seldom, so that a request costs no timer. A lane that is idle reads nothing, so an old bound does not matter to it.
func (l *lane) setDeadline(t time.Time) {
	switch {
	case t.IsZero() && l.bound.IsZero():
		return
	case !t.IsZero() && !l.bound.After(t) && l.bound.After(time.Now()):
		return
	}
	l.bound = t
	// It fails only on a closed connection, which reading tells.
	_ = l.in.SetDeadline(t)
}

// settle checks what the worker sent beyond the end of the last stream: nothing that belongs to a response may be there.
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

// stale judges a frame that does not belong to the first stream. What crossed the end of its stream on the way is dropped.
func (l *lane) stale(f wire.Frame) error {
	if f.Stream == 0 && f.Type == wire.Window {
		return l.regain(f.Payload)
	}
	if f.Stream <= l.last.Load() && (f.Type == wire.Window || f.Type == wire.Abort) {
		return nil
	}
	return wire.Errorf("a %s frame for stream %d, which is not open", f.Type, f.Stream)
}

// close ends the lane; nobody reads it any more.
func (l *lane) close() {
	l.mu.Lock()
	l.watch.stop()
	l.mu.Unlock()
	l.in.Release()
	l.conn.Close()
	l.unshare()
}
