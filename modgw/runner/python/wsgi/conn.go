package wsgi

import (
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// workAhead is how much work a connection may be given at once: as many requests as its thread
	// can be expected to answer in this time.
	workAhead = time.Millisecond

	// computeAhead is the same while the thread computes, when another one would only take the
	// interpreter from it.
	computeAhead = 20 * time.Millisecond

	// maxAhead is the largest number of these requests.
	maxAhead = 64

	// computingShare is the share of its time that a thread computes whose requests do not wait, in
	// 255ths. It leaves something for waiting for a processor.
	computingShare = 190
)

// Conn is the connection to one thread of a worker. Its requests are answered in order. The
// goroutine whose answer comes next reads the connection itself: a single request needs no
// hand-over between goroutines.
type Conn struct {
	worker    *Worker
	scheduler *scheduler
	number    int // number of the thread, from 0
	conn      *eventloop.Socket
	in        *wire.Reader // belongs to the first stream
	out       *wire.Writer
	buffer    *wire.SharedBuffer // large bodies pass through it; nil: no memory is shared
	credit    chan struct{}      // has a token after more of a request's body may be sent

	// Guarded by scheduler.mu.
	load  int  // requests on it
	alone bool // no other request may share the connection with the current one
	away  bool // its thread is busy for another host

	depth    atomic.Int32 // how many requests it may have at once; 0: nothing is known yet, so one
	computes atomic.Bool  // its thread computes nearly all the time that its requests take
	stall    atomic.Int32 // a stallState
	lingers  atomic.Bool  // its thread may go on with the stream that was closed last

	unflushed []*direct // their frames are written at the end of the loop's turn; used by the loop

	last atomic.Uint32 // id of the latest stream; ids are never used twice
	kept keptBodies

	mu       sync.Mutex
	order    []*stream // open streams, in the order of their requests
	turns    int       // how many streams have left as the first one
	err      error     // why nothing more can be read; nil: it can
	deadline time.Time // when reading fails; zero: never
	attends  bool      // the loop is about to call attend
	watch    watch
}

// stallState is the state of a thread that may be busy with one request for too long.
type stallState = int32

const (
	flowing  stallState = iota
	stalled             // for long, so that it gets no more requests
	computed            // for long, and it seems to keep the interpreter all the time
)

// newConn makes a connection and the end of it that the worker inherits.
func newConn(w *Worker, number int) (*Conn, *os.File, error) {
	c := &Conn{
		worker: w, scheduler: w.scheduler, number: number, credit: make(chan struct{}, 1),
	}
	socket, theirs, err := wire.LoopPair(w.loop, c.readOnLoop)
	if err != nil {
		return nil, nil, err
	}
	c.conn, c.out = socket, wire.NewSocketWriter(socket)
	c.in = wire.NewSocketReader(socket).InPieces()
	return c, theirs, nil
}

// open begins a stream with a Request frame. After an error the stream has left already.
func (c *Conn) open(s *stream, head []byte, body *relay.Body) error {
	beginning := body.Beginning()
	c.adopt(s, beginning)
	buffer, regions := c.pin(body)
	flags := wire.FlagEnd
	if !s.whole {
		flags = 0
		s.Credit = c.credit // no other stream is on the connection
	}
	var refused error
	err := c.out.Write(func(b []byte) []byte {
		if refused = c.register(s); refused != nil {
			return b
		}
		c.kept.retain(s.ID, buffer, regions)
		b = wire.AppendRequest(b, s.ID, flags, head, beginning)
		return appendKept(b, s.ID, regions, !body.HasRest())
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		s.leave()
	}
	return err
}

// adopt lets a stream belong to the connection. Its Request frame has body.
func (c *Conn) adopt(s *stream, body []byte) {
	s.conn, s.Out, s.Buffer = c, c.out, c.buffer
	s.received.Size = wire.ThreadWindow
	s.Open(wire.ThreadWindow, len(body))
}

// register gives a stream its id and its place. Ids grow in the order of the Request frames.
func (c *Conn) register(s *stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.last.Load() == 1<<32-1:
		return control.ErrStreamsSpent
	}
	s.ID = c.last.Add(1)
	if s.ID == 1<<31 {
		c.worker.Want("one of its connections has used half of its stream ids")
	}
	c.order = append(c.order, s)
	switch {
	case len(c.order) == 1:
		s.begin()
	case s.direct != nil:
		s.began = time.Time{} // the loop sees later when it begins
	default:
		s.turn = make(chan struct{}, 1)
	}
	c.watchWaiting()
	return nil
}

// remove removes a stream from the connection, after which the next one may read; c.mu is held. An
// error means that the worker has sent bytes that belong to no stream.
func (c *Conn) remove(s *stream) error {
	i := slices.Index(c.order, s)
	if i < 0 {
		return nil
	}
	c.order = slices.Delete(c.order, i, i+1)
	if i > 0 {
		return nil
	}
	c.turns++
	if c.stall.Swap(flowing) != flowing {
		c.watch.on = false // its time starts again
	}
	if len(c.order) == 0 {
		err := c.checkIdle()
		c.in.Rest()
		if c.kept.any() {
			c.callLoop()
		}
		return err
	}
	c.order[0].begin()
	c.order[0].wake()
	c.watchWaiting()
	return nil
}

// isFirst reports whether a stream is the one that reads; c.mu is held.
func (c *Conn) isFirst(s *stream) bool { return len(c.order) > 0 && c.order[0] == s }

// isBehind reports whether a stream waits behind the first one.
func (c *Conn) isBehind(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.order) > 1 && slices.ContainsFunc(c.order[1:], func(s *stream) bool { return s.ID == id })
}

// fail reports that nothing more can be read.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// NotePace notes how long the thread's latest requests took, in [wire.PaceUnit], and how much of
// that time it computed, in 255ths.
func (c *Conn) NotePace(pace, cpu uint8) {
	depth, ahead := 1, workAhead
	computes := cpu >= computingShare && pace < wire.MaxPace && !c.scheduler.parallel
	if computes {
		ahead = computeAhead
	}
	if pace > 0 && pace < wire.MaxPace {
		depth = min(max(1, int(ahead/wire.PaceUnit)/int(pace)), maxAhead)
	}
	c.computes.Store(computes)
	c.depth.Store(int32(depth))
}

// Computes reports whether the thread computes nearly all the time that its requests take.
func (c *Conn) Computes() bool { return c.computes.Load() }

// Depth returns the number of simultaneous requests of the connection; 0: unknown so far, so one.
func (c *Conn) Depth() int { return int(c.depth.Load()) }

// isStalled reports whether the thread is busy with one request for long.
func (c *Conn) isStalled() bool { return c.stall.Load() != flowing }

// hasRoom reports whether a request may wait behind those that the connection has; scheduler.mu is
// held.
func (c *Conn) hasRoom() bool {
	return !c.alone && c.load < int(c.depth.Load()) && !c.isStalled()
}

// isComputing reports whether another thread would only take the interpreter from this one;
// scheduler.mu is held.
func (c *Conn) isComputing() bool {
	return c.load > 0 && c.computes.Load() && !c.isStalled()
}

// setDeadline sets the read deadline; c.mu is held. A deadline that is earlier than t and has not
// passed stays, so that a request needs no timer: the reader replaces it when it passes, which is
// seldom. An idle connection does not read, so an old deadline does no harm.
func (c *Conn) setDeadline(t time.Time) {
	switch {
	case t.IsZero() && c.deadline.IsZero():
		return
	case !t.IsZero() && !c.deadline.After(t) && c.deadline.After(time.Now()):
		return
	}
	c.deadline = t
	// It fails only on a closed connection, which reading reports.
	_ = c.in.SetDeadline(t)
}

// checkIdle checks the frames after the end of the last stream: none of them may belong to a
// response.
func (c *Conn) checkIdle() error {
	for {
		f, ok, err := c.in.Buffered()
		if !ok || err != nil {
			return err
		}
		if err := c.stale(f); err != nil {
			return err
		}
	}
}

// stale checks a frame that does not belong to the first stream; c.mu may be held. Frames that
// crossed the end of their stream are dropped.
func (c *Conn) stale(f wire.Frame) error {
	switch {
	case f.Stream == 0 && f.Type == wire.Window:
		return c.reclaimBody(f.Payload)
	case f.Type == wire.Kept:
		return c.kept.release(f.Stream)
	}
	if f.Stream <= c.last.Load() && (f.Type == wire.Window || f.Type == wire.Abort) {
		return nil
	}
	return wire.Errorf("a %s frame for stream %d, which is not open", f.Type, f.Stream)
}

// close closes the connection, which no stream reads any more.
func (c *Conn) close() {
	c.mu.Lock()
	c.watch.stop()
	if c.err == nil {
		c.err = net.ErrClosed // the loop does not read it any more
	}
	c.kept.releaseAll()
	c.in.Release()
	c.closeBuffer()
	c.mu.Unlock()
	c.conn.Close()
}
