package exchange

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
)

// aheadSize is how much of a request's body is read before a program is asked for, so that a slow client does not hold
// one that waits for it.
const aheadSize = 64 << 10

// buffers has buffers of aheadSize.
var buffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

var errTooLarge = errors.New("it is too large")

// Body is the body of a request, whose length is known: programs are told it before they read (RFC 3875, 4.1.2). So a
// body in pieces that comes without its length is kept until its end, in a temporary file when it is large.
type Body struct {
	Length int64 // -1: there is none

	in     io.Reader
	limit  int64 // 0: none
	read   int64 // so far
	ahead  []byte
	whole  bool // ahead is all of it
	buffer *[aheadSize]byte
	file   *os.File // holds what comes after ahead; nil: in does
}

// ReadBody reads the beginning of a request's body. The error is a *Failure.
func ReadBody(r *http.Request, limit int64) (*Body, error) {
	b := &Body{Length: r.ContentLength, in: r.Body, limit: limit}
	switch {
	case limit > 0 && r.ContentLength > limit:
		return nil, bodyTooLarge(limit)
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		b.whole = true
		if r.ContentLength != 0 || r.Header["Content-Length"] == nil {
			b.Length = -1
		}
		return b, nil
	}
	if err := b.fill(); err != nil {
		b.Close()
		return nil, b.Failure(err)
	}
	return b, nil
}

// Failure says why the body could not be read.
func (b *Body) Failure(err error) *Failure {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, errTooLarge):
		return bodyTooLarge(b.limit)
	}
	return bodyIncomplete(err)
}

// Repeatable reports whether the body can be sent once more after it was sent.
func (b *Body) Repeatable() bool { return b.whole }

// Close lets go of the body.
func (b *Body) Close() {
	if b.buffer != nil {
		buffers.Put(b.buffer)
		b.buffer, b.ahead = nil, nil
	}
	if b.file != nil {
		b.file.Close()
	}
}

// fill reads what is read ahead, and all of a body of unknown length.
func (b *Body) fill() error {
	b.buffer = buffers.Get().(*[aheadSize]byte)
	for !b.whole && len(b.ahead) < aheadSize {
		n, err := b.next(b.buffer[len(b.ahead):])
		b.ahead = b.buffer[:len(b.ahead)+n]
		switch {
		case err == io.EOF:
			b.whole, b.Length = true, b.read
		case err != nil:
			return err
		}
	}
	if b.whole || b.Length >= 0 {
		return nil
	}
	return b.keep()
}

// keep reads the rest of a body of unknown length into a file without a name.
func (b *Body) keep() error {
	file, err := os.CreateTemp("", "modgw-body-*")
	if err != nil {
		return bodyNotKept(err)
	}
	b.file = file
	if err := os.Remove(file.Name()); err != nil {
		return bodyNotKept(err)
	}
	piece := buffers.Get().(*[aheadSize]byte)
	defer buffers.Put(piece)
	for {
		n, err := b.next(piece[:])
		if _, err := file.Write(piece[:n]); err != nil {
			return bodyNotKept(err)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	b.Length = b.read
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return bodyNotKept(err)
	}
	return nil
}

// next reads on from the client. It is io.EOF at the end of a body that is as long as it should be.
func (b *Body) next(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.read += int64(n)
	switch {
	case b.limit > 0 && b.read > b.limit:
		return n, errTooLarge
	case err == io.EOF && b.Length >= 0 && b.read != b.Length:
		return n, io.ErrUnexpectedEOF
	case err == nil && b.Length >= 0 && b.read == b.Length:
		return n, io.EOF
	}
	return n, err
}

// rest reads what comes after ahead.
func (b *Body) rest(p []byte) (int, error) {
	if b.file != nil {
		return b.file.Read(p)
	}
	return b.next(p)
}
