package scgi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"sync"
)

// errBodyTooLong is the error of reading a body beyond its declared length if it is longer.
var errBodyTooLong = errors.New("request body longer than its Content-Length")

const (
	// smallBody is the number of bytes received before the handler is called, so that a slow client
	// does not occupy a worker.
	smallBody = 64 << 10

	// readAhead is the number of bytes of a body that are received while its handler runs and does
	// not read.
	readAhead = 64 << 10
)

// body is a request's body. One goroutine, in receive, reads it from the connection ahead of its
// reader, and then notices if the client leaves.
type body struct {
	in    *bufio.Reader
	input *input
	left  int64       // bytes still to come; belongs to receive
	gone  func(error) // called when the client has gone

	mu     sync.Mutex
	turn   sync.Cond // something below has changed
	data   []byte    // received and not read yet
	err    error     // Read returns it after the data; nil while more is to come
	closed bool
}

func newBody(in *bufio.Reader, input *input, length int64, gone func(error)) *body {
	b := &body{in: in, input: input, left: length, gone: gone}
	b.turn.L = &b.mu
	if length == 0 {
		b.err = io.EOF
	}
	return b
}

// fill receives all of a small body, or the first byte of a larger one. The handler is called only
// then, so that a body that was lost on the way never reaches an app. The error reports a body that
// was lost or is too long.
func (b *body) fill() error {
	if b.left > smallBody {
		_, err := b.in.Peek(1)
		return err
	}
	b.data = make([]byte, b.left)
	if _, err := io.ReadFull(b.in, b.data); err != nil {
		return err
	}
	if b.in.Buffered() > 0 {
		return errBodyTooLong
	}
	b.left, b.err = 0, io.EOF
	return nil
}

// receive returns when the client has gone, or when the body is complete and closed.
func (b *body) receive() {
	var buf []byte
	if b.left > 0 {
		buf = make([]byte, min(b.left, readAhead/2))
	}
	for b.left > 0 {
		n, err := b.in.Read(buf[:min(b.left, int64(len(buf)))])
		b.left -= int64(n)
		b.add(buf[:n])
		if err != nil && b.left > 0 {
			b.end(io.ErrUnexpectedEOF)
			b.gone(errGone)
			return
		}
	}
	if b.end(io.EOF) {
		return
	}
	b.input.watch()
	for {
		if _, err := b.in.ReadByte(); err != nil {
			b.gone(errGone)
			return
		}
		b.end(errBodyTooLong)
	}
}

// add takes a piece, when there is room for it.
func (b *body) add(piece []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.data) > 0 && len(b.data)+len(piece) > readAhead && !b.closed {
		b.turn.Wait()
	}
	if !b.closed {
		b.data = append(b.data, piece...)
	}
	b.turn.Broadcast()
}

// end takes note that no more will come, and reports whether the body is closed.
func (b *body) end(err error) (closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	b.turn.Broadcast()
	return b.closed
}

// Read returns received bytes. It ends with io.EOF only if the body has its declared length.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		switch {
		case b.closed:
			return 0, http.ErrBodyReadAfterClose
		case len(b.data) > 0:
			n := copy(p, b.data)
			b.data = b.data[n:]
			b.turn.Broadcast()
			return n, nil
		case b.err != nil:
			return 0, b.err
		}
		b.turn.Wait()
	}
	return 0, nil
}

// Close makes reading fail. The rest of the body is discarded.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.data = true, nil
	b.turn.Broadcast()
	return nil
}

// finish closes the body and reports whether all of it has come, or all that ever will.
func (b *body) finish() bool {
	b.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err != nil
}

// fault describes how the body differs from its declaration; "": not at all, as far as known.
func (b *body) fault() (than string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.err {
	case io.ErrUnexpectedEOF:
		return "shorter"
	case errBodyTooLong:
		return "longer"
	}
	return ""
}
