package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
)

const (
	// readerSize is the size of a Reader's own buffer.
	readerSize = 16 << 10

	// largeSize is the size of a buffer for long frames.
	largeSize = InitialWindow + readerSize

	// maxDescriptors is the largest number of descriptors that may arrive ahead of their frames.
	maxDescriptors = 4
)

// largeBuffers has buffers of largeSize.
var largeBuffers = sync.Pool{New: func() any { return new([largeSize]byte) }}

// Reader reads frames, and the descriptors that travel with them, from a Unix stream socket. It
// asks the kernel for as much as there is, so that several frames cost one system call, and borrows
// a larger buffer for frames that need it. It is for one goroutine at a time.
type Reader struct {
	conn        source
	socket      *eventloop.Socket // conn where a loop reads, too; nil: none does
	buf         []byte            // buf[next:end] was read and not returned yet
	next, end   int
	own         []byte           // the buffer for frames that are not long
	large       *[largeSize]byte // the one that is borrowed; nil: none is
	oob         []byte
	descriptors []*os.File // arrived, in order

	pieces bool  // Body frames are returned as they come
	rest   Frame // the Body frame of which more is to come
	left   int   // how many bytes of it
}

// source is the connection that a Reader reads.
type source interface {
	ReadMessage(p, oob []byte) (n, oobn, flags int, err error)
	SetReadDeadline(time.Time) error
}

// NewReader returns a Reader that reads from conn.
func NewReader(conn *net.UnixConn) *Reader {
	socket, _ := rawsocket.Of(conn)
	return newReader(socket)
}

// NewSocketReader returns a Reader that goroutines and the loop of the socket can use, one after
// the other.
func NewSocketReader(s *eventloop.Socket) *Reader {
	r := newReader(s)
	r.socket = s
	return r
}

func newReader(conn source) *Reader {
	own := make([]byte, readerSize)
	return &Reader{
		conn: conn,
		buf:  own,
		own:  own,
		oob:  make([]byte, unix.CmsgSpace(maxDescriptors*4)),
	}
}

// InPieces makes the Reader return a long Body frame in the pieces in which it arrives. Each is a
// Body frame, and only the last one has the flags.
func (r *Reader) InPieces() *Reader {
	r.pieces = true
	return r
}

// Next returns the next frame; its payload is valid until the next call. The error is io.EOF when
// the peer closed the connection between two frames, a [*ProtocolError] when it broke a rule, or
// one that satisfies os.ErrDeadlineExceeded, after which Next can be called again.
func (r *Reader) Next() (Frame, error) {
	for {
		f, ok, err := r.Buffered()
		if ok || err != nil {
			return f, err
		}
		if err := r.fill(r.conn.ReadMessage); err != nil {
			return Frame{}, err
		}
	}
}

// TryFill reads once for Buffered, without waiting. ok reports whether there was something to read.
// The Reader must come from NewSocketReader.
func (r *Reader) TryFill() (ok bool, err error) {
	err = r.fill(r.socket.TryReadMessage)
	if err == unix.EAGAIN {
		return false, nil
	}
	return err == nil, err
}

// Buffered returns the next frame if it was read completely already, which ok reports.
func (r *Reader) Buffered() (f Frame, ok bool, err error) {
	if r.left > 0 {
		return r.piece()
	}
	have := r.end - r.next
	if have < HeaderSize {
		return Frame{}, false, nil
	}
	f, length, err := parseHeader(r.buf[r.next:r.end])
	if err != nil {
		return Frame{}, false, err
	}
	if have < HeaderSize+length && r.pieces && f.Type == Body {
		r.next += HeaderSize
		r.rest, r.left = f, length
		return r.piece()
	}
	if have < HeaderSize+length {
		r.makeRoom(HeaderSize + length)
		return Frame{}, false, nil
	}
	payload := r.next + HeaderSize
	r.next = payload + length
	f.Payload = r.buf[payload:r.next:r.next]
	return f, true, nil
}

// piece returns the part of a long Body frame that was read.
func (r *Reader) piece() (f Frame, ok bool, err error) {
	n := min(r.left, r.end-r.next)
	if n == 0 {
		return Frame{}, false, nil
	}
	f = r.rest
	f.Payload = r.buf[r.next : r.next+n : r.next+n]
	r.next += n
	r.left -= n
	if r.left > 0 {
		f.Flags = 0
	}
	return f, true, nil
}

// Unread makes f, which Next has just returned and which is no Body frame, the next frame again.
func (r *Reader) Unread(f Frame) { r.next -= HeaderSize + len(f.Payload) }

// PeekShared returns the payloads of the Shared frames that end a stream, if they come next, were
// read completely and are not more than to has room for, the flags of the last one, and the length
// for [Reader.Skip]; 0: it is not so.
func (r *Reader) PeekShared(stream uint32, to [][]byte) (payloads [][]byte, flags Flags, length int) {
	for at := r.next; r.left == 0 && r.end-at >= sharedFrameSize && len(to) < cap(to); {
		f, n, err := parseHeader(r.buf[at:r.end])
		if err != nil || f.Type != Shared || f.Stream != stream || n != sharedFrameSize-HeaderSize {
			break
		}
		to = append(to, r.buf[at+HeaderSize:at+sharedFrameSize])
		if at += sharedFrameSize; f.End() {
			return to, f.Flags, at - r.next
		}
	}
	return to[:0], 0, 0
}

// sharedFrameSize is the length of a Shared frame.
const sharedFrameSize = HeaderSize + 8

// Skip drops the frames that were peeked at.
func (r *Reader) Skip(length int) { r.next += length }

// Descriptor returns the descriptor that came with the File frame just read. The caller closes it.
func (r *Reader) Descriptor() (*os.File, error) {
	if len(r.descriptors) == 0 {
		return nil, Errorf("a File frame without a descriptor")
	}
	f := r.descriptors[0]
	r.descriptors = r.descriptors[1:]
	return f, nil
}

// SetDeadline bounds reading: Next fails when it would wait beyond t; the zero time removes the
// bound.
func (r *Reader) SetDeadline(t time.Time) error { return r.conn.SetReadDeadline(t) }

// Release closes the descriptors that were not asked for. The connection is the caller's.
func (r *Reader) Release() {
	for _, f := range r.descriptors {
		f.Close()
	}
	r.descriptors = nil
}

// Rest gives a large buffer back, unless something in it was not returned yet. A caller that will
// not call Next again soon calls it.
func (r *Reader) Rest() {
	if r.next == r.end && len(r.buf) > readerSize {
		r.buf, r.next, r.end = r.own, 0, 0
		r.release()
	}
}

func (r *Reader) release() {
	if r.large != nil {
		largeBuffers.Put(r.large)
		r.large = nil
	}
}

// fill reads once, by read, into the free part of the buffer.
func (r *Reader) fill(read func(p, oob []byte) (n, oobn, flags int, err error)) error {
	if r.next == r.end {
		r.next, r.end = 0, 0
		if len(r.descriptors) > 0 {
			return Errorf("a descriptor without its File frame")
		}
		if r.left > len(r.buf) {
			r.makeRoom(largeSize)
		}
	}
	if r.end == len(r.buf) {
		r.makeRoom(len(r.buf))
	}
	n, oobn, flags, err := read(r.buf[r.end:], r.oob)
	r.end += n
	if oobn > 0 {
		if err := r.takeDescriptors(r.oob[:oobn]); err != nil {
			return err
		}
	}
	switch {
	case flags&unix.MSG_CTRUNC != 0 || len(r.descriptors) > maxDescriptors:
		return Errorf("more than %d descriptors at once", maxDescriptors)
	case errors.Is(err, io.EOF) && (r.next < r.end || r.left > 0):
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return io.EOF // alone
	}
	return err
}

// makeRoom moves the unread bytes to the beginning of a buffer that holds size bytes and more than
// the unread ones.
func (r *Reader) makeRoom(size int) {
	if r.next == 0 && size <= len(r.buf) {
		return
	}
	unread := r.buf[r.next:r.end]
	switch {
	case size <= len(r.buf):
	case size <= largeSize:
		r.large = largeBuffers.Get().(*[largeSize]byte)
		r.buf = r.large[:]
	default:
		defer r.release() // it is copied before
		r.buf = make([]byte, size)
	}
	r.next, r.end = 0, copy(r.buf, unread)
}

func (r *Reader) takeDescriptors(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return Errorf("a control message that cannot be read: %v", err)
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return Errorf("a control message without descriptors")
		}
		for _, fd := range fds {
			r.descriptors = append(r.descriptors, os.NewFile(uintptr(fd), "file of the app"))
		}
	}
	return nil
}
