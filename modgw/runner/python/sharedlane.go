package python

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// sharedLane is the one connection to an ASGI worker, on which all its requests are at the same time. One goroutine
// reads it and gives each frame to the stream that it belongs to; whoever has something to say writes.
type sharedLane struct {
	runner *Runner
	worker *worker
	conn   *net.UnixConn
	in     *wire.Reader
	out    *wire.Writer
	shelf  *wire.Shelf // that large responses pass through; nil: none

	mu      sync.Mutex
	last    uint32 // id of the latest stream; ids are never used twice
	streams map[uint32]*sharedStream
	heard   uint64 // frames of the worker
	watch   loopWatch
	err     error // why there is nothing to be read any more
}

// newSharedLane returns a lane and the end of it that the worker inherits.
func newSharedLane(r *Runner, w *worker) (*sharedLane, *os.File, error) {
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, nil, err
	}
	return &sharedLane{
		runner:  r,
		worker:  w,
		conn:    conn,
		in:      wire.NewReader(conn),
		out:     wire.NewWriter(conn),
		streams: make(map[uint32]*sharedStream),
	}, theirs, nil
}

// opening says what a stream of a shared lane begins with.
type opening struct {
	kind     streamKind
	request  workers.Request
	head     []byte
	body     []byte    // what is there of it
	whole    bool      // that is all
	deadline time.Time // of the response; zero: none

	inputEnded <-chan struct{} // as in [modgw.RequestInfo]; nil where the app is not told
}

// open begins a stream with a Request frame, for a request with a seat at the worker: closing the stream gives it back. The
// caller calls finish.
// After an error the seat is given back already.
func (l *sharedLane) open(ctx context.Context, o opening) (*sharedStream, error) {
	s := &sharedStream{
		outflow: outflow{out: l.out, most: wire.InitialWindow, credit: make(chan struct{}, 1)},
		lane:    l,
		ctx:     ctx,
		kind:    o.kind,
		request: o.request,
		news:    make(chan struct{}, 1),

		inputEnded: o.inputEnded,
	}
	s.deadline.set(o.deadline)
	s.window.Store(s.most - int64(len(o.body)))
	flags := wire.Flags(0)
	if o.whole {
		flags = wire.FlagEnd
	}
	var refused error
	err := l.out.Write(func(b []byte) []byte {
		if s.id, refused = l.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.id, flags, o.head, o.body)
	})
	if err != nil {
		l.runner.suspect(l.worker, err) // or the next try may go to it again, before reading has failed too
	}
	switch {
	case refused != nil:
		l.runner.seats.release(l.worker, s.kind)
		return nil, refused
	case err != nil && s.id == 0:
		l.runner.seats.release(l.worker, s.kind)
		return nil, err
	}
	s.unsent.Store(err != nil) // reading the stream tells the error
	return s, nil
}

// register gives a stream its id. Ids grow in the order of the Request frames.
func (l *sharedLane) register(s *sharedStream) (uint32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	if l.last == 1<<32-1 {
		return 0, errLaneSpent
	}
	l.last++
	if l.last == 1<<31 {
		l.worker.Want("its lane has used half of its stream ids")
	}
	l.streams[l.last] = s
	l.hold()
	l.watchLoop()
	return l.last, nil
}

// read takes what the worker sends, until the end of the connection.
func (l *sharedLane) read() {
	for {
		f, err := l.in.Next()
		if err == nil {
			err = l.take(f)
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// take gives a frame to its stream.
func (l *sharedLane) take(f wire.Frame) error {
	l.mu.Lock()
	l.heard++
	s, last := l.streams[f.Stream], l.last
	l.mu.Unlock()
	if s == nil {
		// What crossed the end of its stream on the way is dropped.
		if f.Stream <= last && (f.Type == wire.Window || f.Type == wire.Abort) {
			return nil
		}
		return wire.Errorf("a %s frame for stream %d, which is not open", f.Type, f.Stream)
	}
	var file *os.File
	if f.Type == wire.File {
		var err error
		if file, err = l.in.Descriptor(); err != nil {
			return err
		}
	}
	closed, err := s.take(f, file)
	if closed {
		l.closed(s)
	}
	return err
}

// closed takes note that the worker has closed a stream.
func (l *sharedLane) closed(s *sharedStream) {
	l.mu.Lock()
	_, open := l.streams[s.id]
	delete(l.streams, s.id)
	l.mu.Unlock()
	s.settle()
	if open {
		l.runner.seats.release(l.worker, s.kind)
		l.worker.Finished()
	}
}

// fail ends all streams when nothing more comes.
func (l *sharedLane) fail(err error) {
	l.runner.suspect(l.worker, err)
	l.mu.Lock()
	l.err = err
	l.endWatch()
	streams := l.streams
	l.streams = nil
	l.mu.Unlock()
	l.runner.Background(func() { l.blame(streams) })
	for _, s := range streams {
		s.fail(err)
		s.settle()
		l.runner.seats.release(l.worker, s.kind)
	}
	l.close()
}

// blame has the requests named that the worker had when it crashed, if it has.
func (l *sharedLane) blame(streams map[uint32]*sharedStream) {
	for _, id := range slices.Sorted(maps.Keys(streams)) {
		if s := streams[id]; !s.unsent.Load() && !l.worker.CrashedWith(s.request) {
			return
		}
	}
}

// hurry bounds the time for what is still to be read.
func (l *sharedLane) hurry() {
	// It fails only on a closed connection, which needs no bound.
	_ = l.in.SetDeadline(time.Now().Add(exitTime))
}

// close ends the connection; nobody reads it any more.
func (l *sharedLane) close() {
	l.in.Release()
	l.conn.Close()
	l.letGo()
}
