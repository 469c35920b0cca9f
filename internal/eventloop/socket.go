package eventloop

import (
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/rawsocket"
)

// Socket is a stream socket that a loop and goroutines use: a goroutine that has no data to read
// waits for the loop. Only one goroutine at a time reads, and one writes.
type Socket struct {
	// Arrived, unless nil, is called on the loop when there may be data to read. It reports whether
	// the loop reads the data itself; otherwise a waiting goroutine reads it. It must be set before
	// Register.
	Arrived func() (handled bool)

	fd     int
	source Source
	closed atomic.Bool

	reading  sync.Mutex // held while a call reads, and closes
	writing  sync.Mutex // held while a call writes, and closes
	in, out  waiting
	received rawsocket.Message // belongs to who holds reading
	sent     rawsocket.Message // belongs to who holds writing
}

// NewSocket takes ownership of a non-blocking descriptor.
func NewSocket(fd int) *Socket {
	s := &Socket{fd: fd}
	s.in.begin()
	s.out.begin()
	return s
}

// Register makes a loop listen to the socket. No call may be waiting.
func (s *Socket) Register(l *Loop) error { return l.Add(&s.source, s.fd, s) }

// Ready implements [Handler].
func (s *Socket) Ready(e Events) {
	if e.Writable() {
		s.out.signal()
	}
	if e.Readable() && (s.Arrived == nil || !s.Arrived()) {
		s.in.signal()
	}
}

// TryReadMessage is like ReadMessage, but does not wait; its error is then unix.EAGAIN.
func (s *Socket) TryReadMessage(p, oob []byte) (n, oobn, flags int, err error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.closed.Load() {
		return 0, 0, 0, net.ErrClosed
	}
	return s.received.Receive(s.fd, p, oob)
}

// ReadMessage reads data into p, which must not be empty, and the accompanying control messages
// into oob. flags are the flags that recvmsg(2) returns.
func (s *Socket) ReadMessage(p, oob []byte) (n, oobn, flags int, err error) {
	for {
		n, oobn, flags, err = s.TryReadMessage(p, oob)
		if err != unix.EAGAIN {
			return n, oobn, flags, rawsocket.OpError("read", err)
		}
		if err := s.in.wait(&s.closed); err != nil {
			return 0, 0, 0, err
		}
	}
}

// SetReadDeadline limits ReadMessage, which then fails with os.ErrDeadlineExceeded; the zero time
// removes the limit.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}

// TryWrite writes as much as fits; the error is unix.EAGAIN if nothing fits.
func (s *Socket) TryWrite(p []byte) (int, error) { return s.tryWrite(p, nil) }

func (s *Socket) tryWrite(p, more []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	return s.sent.Send(s.fd, math.MaxInt, p, more)
}

// Write writes p.
func (s *Socket) Write(p []byte) (int, error) { return s.WriteTwo(p, nil) }

// WriteTwo writes both pieces, by one call if they go out at once.
func (s *Socket) WriteTwo(p, more []byte) (written int, err error) {
	for len(p)+len(more) > 0 {
		n, err := s.tryWrite(p, more)
		written += n
		first := min(n, len(p))
		p, more = p[first:], more[n-first:]
		if err == unix.EAGAIN {
			err = s.awaitRoom()
		}
		if err != nil {
			return written, rawsocket.OpError("write", err)
		}
	}
	return written, nil
}

// awaitRoom waits until there may be room to write.
func (s *Socket) awaitRoom() error {
	s.writing.Lock()
	if s.closed.Load() {
		s.writing.Unlock()
		return net.ErrClosed
	}
	err := s.source.AwaitRoom()
	s.writing.Unlock()
	if err != nil {
		return err
	}
	err = s.out.wait(&s.closed)
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.closed.Load() {
		s.source.StopAwaitingRoom()
	}
	return err
}

// HasUnsent reports whether the peer of a Unix socket has still to read written data (unix(7),
// SIOCOUTQ).
func (s *Socket) HasUnsent() bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed.Load() {
		return false
	}
	n, err := unix.IoctlGetInt(s.fd, unix.SIOCOUTQ)
	return err == nil && n > 0
}

// Shutdown ends the connection in both directions. Readers on both sides see its end.
func (s *Socket) Shutdown() {
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.closed.Load() {
		_ = unix.Shutdown(s.fd, unix.SHUT_RDWR) // it fails when the peer has ended the connection
	}
}

// Close closes the descriptor, and makes calls that wait fail with net.ErrClosed. It may be called
// again.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	s.in.change()
	s.out.change()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	s.source.Remove()
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// waiting is the state of a goroutine that waits until a socket is ready in one direction.
type waiting struct {
	ready   chan struct{} // has a token when the socket may be ready
	changed chan struct{} // has a token when something below has changed, or the socket was closed

	mu       sync.Mutex
	deadline time.Time // zero: none
	timer    *time.Timer
}

func (w *waiting) begin() { w.ready, w.changed = make(chan struct{}, 1), make(chan struct{}, 1) }

func (w *waiting) signal() { put(w.ready) }
func (w *waiting) change() { put(w.changed) }

func put(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

func (w *waiting) setDeadline(t time.Time) {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	w.change()
}

// wait returns nil when the socket may be ready.
func (w *waiting) wait(closed *atomic.Bool) error {
	for {
		if closed.Load() {
			return net.ErrClosed
		}
		late, err := w.late()
		if err != nil {
			return err
		}
		select {
		case <-w.ready:
			w.rest()
			return nil
		case <-w.changed:
		case <-late:
		}
	}
}

// late returns a channel that receives a value when the deadline passes, or nil if there is no
// deadline.
func (w *waiting) late() (<-chan time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deadline.IsZero() {
		return nil, nil
	}
	left := time.Until(w.deadline)
	switch {
	case left <= 0:
		return nil, os.ErrDeadlineExceeded
	case w.timer == nil:
		w.timer = time.NewTimer(left)
	default:
		w.timer.Reset(left)
	}
	return w.timer.C, nil
}

// rest stops the timer, which would wake the host up needlessly.
func (w *waiting) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}
