package http

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/http1"
)

// drainLimit is the number of unread bytes of a body up to which it is read to its end, so that the
// connection can be used again.
const drainLimit = 256 << 10

// body is a request's body that must not keep its reader waiting forever. Only the time spent
// waiting counts, so a slowly reading app does not harm its client.
type body struct {
	source      func([]byte) (int, error)
	setDeadline func(time.Time) error // for the next read
	grace       time.Duration
	rate        int           // bytes per second
	conn        *conn         // nil over HTTP/2
	request     *http.Request // gets the trailers
	length      int64         // declared length; -1: none
	expected    bool          // reading triggers the 100 Continue after which the client sends it

	reading  sync.Mutex // held while the source is read
	received atomic.Int64
	begun    atomic.Bool // reading has
	complete atomic.Bool // the body was received completely
	closed   atomic.Bool // by the handler or because it has returned
	waited   time.Duration
	refused  atomic.Pointer[modgw.Fault] // why no more of it can be read; nil: it can
}

// newBody is a body without a source.
func (s *Server) newBody(length int64) *body {
	return &body{grace: s.config.BodyGrace, rate: s.config.MinBodyRate, length: length}
}

// newBody is the body of the request whose head was read. It may be read while the response is
// sent.
func (c *conn) newBody(w *response) *body {
	b := c.server.newBody(c.request.ContentLength)
	b.conn, b.request, b.setDeadline = c, &c.request, c.setBodyDeadline
	b.expected = c.parser.Head().ExpectsContinue()
	told := !b.expected
	b.source = func(p []byte) (int, error) {
		if !told {
			told = true
			if err := w.writer.sayContinue(); err != nil {
				return 0, err
			}
		}
		return c.readBody(p, b.request)
	}
	return b
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

// Close makes reading fail. The rest of the body is not waited for.
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// read reads until the client has used up its time. There is no deadline between reads: then the
// connection is only watched for the client's leaving.
func (b *body) read(p []byte) (int, error) {
	b.begun.Store(true)
	earned := time.Duration(b.received.Load()) * time.Second / time.Duration(b.rate)
	start := time.Now()
	if b.setDeadline(start.Add(b.grace+earned-b.waited)) != nil {
		return b.source(p) // the connection has ended
	}
	n, err := b.source(p)
	_ = b.setDeadline(time.Time{})
	b.received.Add(int64(n))
	b.waited += time.Since(start)
	switch why, isReason := errors.AsType[http1.Reason](err); {
	case err == io.EOF:
		b.complete.Store(true)
	case errors.Is(err, os.ErrDeadlineExceeded) && b.waited >= b.grace+earned:
		b.refused.Store(slowBody())
		return n, b.refused.Load()
	case isReason:
		b.refused.Store(unreadable(why))
		return n, b.refused.Load()
	}
	return n, err
}

// endsConnection reports whether the connection must end with a response that begins now, because
// so much of the body is left that it will not be read. A client may wait for the end of the
// response before it continues to send, and only a response with a length (sized) is sent before
// the rest is read.
func (b *body) endsConnection(sized bool) bool {
	switch {
	case b == nil || b.conn == nil || b.complete.Load() || !b.hasRest():
		return false
	case b.length < 0, !b.begun.Load() && (b.expected || !sized):
		return true
	}
	return b.length-b.received.Load() > drainLimit
}

// hasRest reports whether a part of the body has not come yet. While another goroutine reads, it
// has not.
func (b *body) hasRest() bool {
	if !b.reading.TryLock() {
		return true
	}
	defer b.reading.Unlock()
	return b.conn.hasRest()
}

// stop takes the body from a handler that has returned, and from a goroutine that still reads it.
func (b *body) stop() {
	b.closed.Store(true)
	if !b.reading.TryLock() {
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
		b.reading.Lock()
	}
	b.reading.Unlock()
	_ = b.conn.SetReadDeadline(time.Time{})
}

// drain reads the part of the body that a handler has left, up to a limit; -1 means no limit. It
// reports whether that was all.
func (b *body) drain(limit int64) bool {
	switch {
	case b.complete.Load():
		return true
	case b.expected && !b.begun.Load() && b.conn.hasRest():
		return false // the client has not sent it, and must not be asked for it now
	}
	var rest io.Reader = readerFunc(b.read)
	if limit >= 0 {
		rest = io.LimitReader(rest, limit)
	}
	_, _ = io.Copy(io.Discard, rest) // complete reports the result
	return b.complete.Load()
}

type readerFunc func([]byte) (int, error)

// Read implements [io.Reader].
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// fault is why the client is refused within the body; nil while it is not, and without a body.
func (b *body) fault() *modgw.Fault {
	if b == nil {
		return nil
	}
	return b.refused.Load()
}

// status returns the status with which a request is answered whose body is refused.
func (b *body) status() int {
	if b.fault().Code == codeSlowBody {
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

const codeSlowBody = "MGW-REQ-016"

func slowBody() *modgw.Fault {
	return &modgw.Fault{
		Code:    codeSlowBody,
		Summary: "cannot read the request: its client sends the body too slowly, or has stopped sending",
		Hint:    "for slow clients raise timeouts { body } in the listen block, or lower limits { body_rate }",
	}
}
