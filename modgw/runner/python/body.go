package python

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/upload"
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
	kept   *upload.Kept     // what comes after ahead and was read already; nil: nothing
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
		n, err := b.receive(b.buffer[len(b.ahead):])
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

// keep reads on, before a worker is asked for that would have to wait for the client.
func (b *requestBody) keep(c *modgw.RunnerConfig) (err error) {
	if b.whole {
		return nil
	}
	if b.kept, err = upload.Keep(c, b.receive); err == nil && b.kept.IsComplete() {
		b.length = b.read
	}
	return err
}

// isReceived reports whether nothing more is to be read from the client.
func (b *requestBody) isReceived() bool { return b.whole || b.kept.IsComplete() }

// next reads what comes after ahead. It is io.EOF at the end of a body that is as long as it should be.
func (b *requestBody) next(p []byte) (int, error) {
	if b.kept == nil {
		return b.receive(p)
	}
	n, err := b.kept.Read(p)
	if err == io.EOF && !b.kept.Complete {
		b.kept.Close()
		b.kept, err = nil, nil
		if n == 0 {
			return b.receive(p)
		}
	}
	return n, err
}

// receive reads on from the client. It is io.EOF at the end of a body that is as long as it should be.
func (b *requestBody) receive(p []byte) (int, error) {
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

// release lets go of what was read; ahead is gone then.
func (b *requestBody) release() {
	b.kept.Close()
	if b.buffer != nil {
		bodyBuffers.Put(b.buffer)
		b.buffer, b.ahead = nil, nil
	}
}
