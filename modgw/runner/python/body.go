package python

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// aheadSize is how much of a request's body is read before a worker is asked for, so that a slow client does not hold
// one that waits for it.
const aheadSize = 64 << 10

// bodyBuffers has buffers of aheadSize.
var bodyBuffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

// errTooLarge says that a request's body is beyond the limit.
var errTooLarge = errors.New("it is too large")

// requestBody is the body of a request: what was read ahead of it, and the rest.
type requestBody struct {
	in     io.Reader
	length int64            // of the whole body; -1: unknown
	limit  int64            // 0: none
	read   int64            // so far
	ahead  []byte           // the beginning
	whole  bool             // ahead is all of it
	buffer *[aheadSize]byte // holds ahead; nil without one
}

// readAhead reads the beginning of a request's body. The error is errTooLarge, or says why the body is incomplete.
func readAhead(r *http.Request, limit int64) (*requestBody, error) {
	b := &requestBody{in: r.Body, length: r.ContentLength, limit: limit}
	if limit > 0 && r.ContentLength > limit {
		return nil, errTooLarge
	}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		b.length, b.whole = 0, true
		return b, nil
	}
	b.buffer = bodyBuffers.Get().(*[aheadSize]byte)
	for !b.whole && len(b.ahead) < aheadSize {
		n, err := b.next(b.buffer[len(b.ahead):])
		b.ahead = b.buffer[:len(b.ahead)+n]
		if err == io.EOF {
			b.whole, b.length = true, b.read
		} else if err != nil {
			b.release()
			return nil, err
		}
	}
	return b, nil
}

// next reads on. It is io.EOF at the end of a body that is as long as it should be.
func (b *requestBody) next(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.read += int64(n)
	switch {
	case b.limit > 0 && b.read > b.limit:
		return n, errTooLarge
	case err == io.EOF && b.length >= 0 && b.read != b.length:
		return n, io.ErrUnexpectedEOF
	case err == nil && b.read == b.length:
		return n, io.EOF
	}
	return n, err
}

// release gives the buffer back; ahead is gone then.
func (b *requestBody) release() {
	if b.buffer != nil {
		bodyBuffers.Put(b.buffer)
		b.buffer, b.ahead = nil, nil
	}
}
