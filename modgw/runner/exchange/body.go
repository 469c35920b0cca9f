package exchange

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/upload"
)

// aheadSize is how much of a request's body is read before a program is asked for, so that a slow client does not hold
// one that waits for it.
const aheadSize = 64 << 10

// buffers has buffers of aheadSize.
var buffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

var errTooLarge = errors.New("it is too large")

// Body is the body of a request, whose length is known: programs are told it before they read (RFC 3875, 4.1.2). So a
// body in pieces that comes without its length is kept until its end.
type Body struct {
	Length int64 // -1: there is none

	in     io.Reader
	limit  int64 // 0: none
	read   int64 // so far
	ahead  []byte
	whole  bool // ahead is all of it
	buffer *[aheadSize]byte
	kept   *upload.Kept // what comes after ahead and was read already; nil: nothing
}

// ReadBody reads a request's body, as much of it as the host keeps: no program has to wait for that. The error is a
// *Failure.
func ReadBody(r *http.Request, c *modgw.RunnerConfig) (*Body, error) {
	limit := c.Descriptor.Limits.Body
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
	err := b.fill()
	if err == nil {
		err = b.keep(c)
	}
	if err != nil {
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
	if status, fault, ok := upload.Fault(err); ok {
		return &Failure{status, fault}
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
	b.kept.Close()
}

// isReceived reports whether nothing more is to be read from the client.
func (b *Body) isReceived() bool { return b.whole || b.kept.IsComplete() }

// fill reads what is read ahead.
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
	return nil
}

// keep reads on: as far as the app's spool goes, and all of a body of unknown length.
func (b *Body) keep(c *modgw.RunnerConfig) (err error) {
	switch {
	case b.whole:
	case b.Length >= 0:
		b.kept, err = upload.Keep(c, b.next)
	case c.Spool == nil:
		return lengthRequired()
	default:
		b.kept, err = upload.KeepAll(c, b.next)
		b.Length = b.read
	}
	return err
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
	if b.kept == nil {
		return b.next(p)
	}
	n, err := b.kept.Read(p)
	if err == io.EOF && !b.kept.Complete {
		b.kept.Close()
		b.kept, err = nil, nil
		if n == 0 {
			return b.next(p)
		}
	}
	return n, err
}
