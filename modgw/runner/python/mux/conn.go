package mux

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Conn is the connection to a worker. The event loop reads it and gives each frame to its stream;
// every stream writes.
type Conn struct {
	server            *Server
	worker            *control.Worker
	requests, sockets *queue.Member // its slots
	loop              *eventloop.Loop
	conn              *eventloop.Socket
	in                *wire.Reader // used by the loop
	out               *wire.Writer
	buffer            *wire.SharedBuffer // for large bodies; nil: no memory is shared
	takesShared       bool               // the worker has mapped it; set before the first request

	mu      sync.Mutex
	last    uint32 // id of the latest stream; ids are never used twice
	streams map[uint32]*Stream
	frames  uint64 // frames that the worker has sent
	watch   loopWatch
	err     error // why nothing more is read; nil: it is read

	ended chan struct{} // closes when nothing more is read

	// The loop uses these.
	reads     bool      // Read was called
	unflushed []*Stream // their frames are written at the end of the loop's turn
}

var _ control.Connections = (*Conn)(nil)

// newConn makes a connection. theirs is the end that the worker inherits.
func newConn(s *Server, w *control.Worker) (c *Conn, theirs *os.File, err error) {
	c = &Conn{
		server: s, worker: w, loop: s.app.ConnLoop,
		streams: make(map[uint32]*Stream), ended: make(chan struct{}),
	}
	c.makeSlots()
	if c.conn, theirs, err = wire.LoopPair(c.loop, c.readOnLoop); err != nil {
		return nil, nil, err
	}
	c.in, c.out = wire.NewSocketReader(c.conn), wire.NewSocketWriter(c.conn)
	return c, theirs, nil
}

// opening describes the beginning of a stream.
type opening struct {
	kind     Kind
	request  workers.Request
	head     []byte
	body     []byte    // the beginning of the body
	whole    bool      // body is all of it
	deadline time.Time // when the response must have come; zero: never

	// inputEnded is closed when the client has closed its sending side, as in [modgw.RequestInfo];
	// nil: the app is not told.
	inputEnded <-chan struct{}
}

// open begins a stream with a Request frame, for a request that has a slot. The slot is released
// when the worker closes the stream. After an error it is released already; otherwise the caller
// calls [Stream.Finish].
func (c *Conn) open(ctx context.Context, o opening) (*Stream, error) {
	s := &Stream{
		Sender:  request.Sender{Out: c.out, Credit: make(chan struct{}, 1), Slots: c.streamBuffer(o)},
		conn:    c,
		ctx:     ctx,
		kind:    o.kind,
		request: o.request,
		news:    make(chan struct{}, 1),

		progress:   begun,
		inputEnded: o.inputEnded,
	}
	s.deadline.set(o.deadline)
	window := int64(wire.InitialWindow)
	if s.Slots != nil {
		window = wire.MuxWindow
	}
	s.Open(window, len(o.body))
	flags := wire.Flags(0)
	if o.whole {
		flags = wire.FlagEnd
	}
	var refused error
	err := c.out.Write(func(b []byte) []byte {
		if refused = c.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.ID, flags, o.head, o.body)
	})
	if err != nil {
		c.worker.Suspect(err) // now: the next try must not go to it before reading has failed, too
	}
	switch {
	case refused != nil:
		err = refused
	case err == nil || s.ID != 0:
		if err != nil {
			s.noteUnsent() // a read of the stream returns the error
		}
		c.noteSent() // the frame may have left so late that the checks have ended
		return s, nil
	}
	if s.Slots != nil {
		s.Slots.Done()
	}
	c.release(s.kind)
	return nil, err
}

// register gives a stream its id. Ids grow in the order of the Request frames.
func (c *Conn) register(s *Stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if c.last == 1<<32-1 {
		return control.ErrStreamsSpent
	}
	c.last++
	if c.last == 1<<31 {
		c.worker.Want("its connection has used half of its stream ids")
	}
	s.ID = c.last
	c.streams[c.last] = s
	c.retainBuffer()
	c.watchLoop()
	return nil
}

// Read implements [control.Connections].
func (c *Conn) Read() {
	c.loop.Post(c.startReading)
	<-c.ended
}

// deliver gives a frame to its stream.
func (c *Conn) deliver(f wire.Frame) error {
	c.mu.Lock()
	c.frames++
	s, last := c.streams[f.Stream], c.last
	c.mu.Unlock()
	if s == nil {
		// It was sent before the worker knew of the end of its stream.
		if f.Stream <= last && (f.Type == wire.Window || f.Type == wire.Abort) {
			return nil
		}
		return wire.Errorf("a %s frame for stream %d, which is not open", f.Type, f.Stream)
	}
	if d := s.direct; d != nil && f.Type != wire.File {
		return d.deliver(f)
	}
	var file *os.File
	if f.Type == wire.File {
		var err error
		if file, err = c.in.Descriptor(); err != nil {
			return err
		}
	}
	closed, err := s.receive(f, file)
	if closed {
		c.remove(s)
	}
	return err
}

// remove ends a stream that the worker has closed.
func (c *Conn) remove(s *Stream) {
	c.mu.Lock()
	_, open := c.streams[s.ID]
	delete(c.streams, s.ID)
	c.mu.Unlock()
	s.stopReaper()
	if s.Slots != nil {
		s.Slots.Close()
	}
	if open {
		c.release(s.kind)
		c.worker.Finished()
	}
}

// fail ends all streams after an error of the connection, and closes it.
func (c *Conn) fail(err error) {
	if c.isOpen() {
		c.worker.Suspect(err)
		c.end(err)
	}
}

// end ends all streams, and closes the connection.
func (c *Conn) end(err error) {
	c.mu.Lock()
	c.err = err
	c.endWatch()
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	c.server.app.Pool.Background(func() { c.blame(streams) })
	for _, s := range streams {
		s.fail(err)
		s.stopReaper()
		c.release(s.kind)
		if s.direct != nil {
			s.direct.Detach()
		}
	}
	c.in.Release()
	c.conn.Close()
	c.closeBuffer()
	close(c.ended)
}

// isOpen reports whether the connection is still read.
func (c *Conn) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil
}

// blame names the requests that the worker had, if it has crashed.
func (c *Conn) blame(streams map[uint32]*Stream) {
	for _, id := range slices.Sorted(maps.Keys(streams)) {
		if s := streams[id]; !s.isUnsent() && !c.worker.CrashedWith(s.request) {
			return
		}
	}
}

// CleanUp implements [control.Connections]. It does not wait long for the rest of a dead worker's
// output: its leftover processes may hold the other end of the connection open.
func (c *Conn) CleanUp() {
	c.Remove()
	// It does nothing to a connection that has ended.
	late := func() { c.fail(os.ErrDeadlineExceeded) }
	time.AfterFunc(control.ExitTime, func() { c.loop.Post(late) })
}

// Close implements [control.Connections].
func (c *Conn) Close() {
	c.loop.Post(func() {
		if c.isOpen() {
			c.end(net.ErrClosed)
		}
	})
}
