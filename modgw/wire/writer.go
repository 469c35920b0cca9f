package wire

import (
	"io"
	"net"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
)

// keepBuffer is the size above which a Writer's buffer is given back after use.
const keepBuffer = 64 << 10

// Writer writes frames for many goroutines. A goroutine that finds it idle writes all waiting
// frames in one system call; the others add their frames and continue. The flow control of the
// streams bounds the number of bytes that wait.
type Writer struct {
	conn   io.Writer
	socket *eventloop.Socket // conn where a loop writes, too; nil: none does

	mu      sync.Mutex
	waiting []byte // frames that are not being written yet
	spare   []byte // the buffer that was written last
	writing bool
	files   *passing // travels with the next byte; nil: nothing does
	err     error    // the first error of conn
}

// NewSocketWriter returns a Writer that goroutines and the loop of the socket can use.
func NewSocketWriter(s *eventloop.Socket) *Writer { return &Writer{conn: s, socket: s} }

// Append is Write that leaves the frames for the next Flush, or for a goroutine that writes at the
// moment.
func (w *Writer) Append(add func(b []byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.waiting = add(w.waiting)
	return nil
}

// Flush writes waiting frames until it would block. It reports whether some are left; the caller
// must then make a goroutine call Drain. An error means that nothing was written of the frames
// appended since the last Flush; other errors surface on the reader of the connection. The Writer
// must come from NewSocketWriter.
func (w *Writer) Flush() (left bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.writing || len(w.waiting) == 0 {
		return false, nil // the goroutine that writes sends that, too
	}
	n, err := w.socket.TryWrite(w.waiting)
	if err != nil && err != unix.EAGAIN {
		w.err, w.waiting = err, nil
		return false, err
	}
	w.waiting = w.waiting[:copy(w.waiting, w.waiting[n:])]
	if cap(w.waiting) > keepBuffer && len(w.waiting) == 0 {
		w.waiting = nil
	}
	return len(w.waiting) > 0, nil
}

// Drain writes the rest that Flush has left.
func (w *Writer) Drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.writing {
		w.writing = true
		w.writeAll()
	}
}

// Write lets add append whole frames to the buffer and ensures that they are written. If another
// goroutine is writing, it writes these too, and Write returns nil at once; an error then surfaces
// on the reader of the connection. An error means that not all of the frames were written, so that
// the peer cannot have acted on the last of them. add must not block.
func (w *Writer) Write(add func(b []byte) []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.waiting = add(w.waiting)
	if w.writing {
		return nil
	}
	end := len(w.waiting)
	w.writing = true
	w.awaitOthers()
	n, err := w.writeOut(nil)
	w.writeAll()
	if n >= end {
		return nil // the frames that failed belong to other callers
	}
	return err
}

// WriteLong is Write for one frame. Its payload is copied only if another goroutine is writing.
func (w *Writer) WriteLong(f Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if w.writing {
		w.waiting = AppendFrame(w.waiting, f)
		return nil
	}
	w.writing = true
	w.waiting = appendHeader(w.waiting, f)
	_, err := w.writeOut(f.Payload)
	w.writeAll()
	return err
}

// writeAll writes until nothing waits; like writeOut.
func (w *Writer) writeAll() {
	for len(w.waiting) > 0 && w.err == nil {
		_, _ = w.writeOut(nil) // w.err has the error
	}
	w.writing = false
}

// awaitOthers lets the runnable goroutines add their frames, too; w.mu is held on entry and return,
// and released in between. If there are none, it costs nothing.
func (w *Writer) awaitOthers() {
	w.mu.Unlock()
	runtime.Gosched()
	w.mu.Lock()
}

// writeOut writes the waiting frames, and then the payload of the last one unless it is already
// included; w.mu is held on entry and return, and released in between. It returns the number of
// bytes written.
func (w *Writer) writeOut(payload []byte) (n int, err error) {
	out := w.waiting
	w.waiting, w.spare = w.spare[:0], nil
	files := w.files
	w.files = nil
	w.mu.Unlock()
	if files != nil {
		n, err = files.write(out, payload)
	} else if len(payload) == 0 {
		n, err = w.conn.Write(out)
	} else {
		n, err = w.writeTwo(out, payload)
	}
	w.mu.Lock()
	w.err = err
	if cap(out) <= keepBuffer {
		w.spare = out
	}
	return n, err
}

// writeTwo writes both pieces, if possible by one call.
func (w *Writer) writeTwo(p, more []byte) (int, error) {
	if w.socket != nil {
		return w.socket.WriteTwo(p, more)
	}
	n, err := (&net.Buffers{p, more}).WriteTo(w.conn)
	return int(n), err
}
