package http

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

// drainLimit is how much of a body that a handler has not read is read in its place, so that the
// connection can be used again.
const drainLimit = 256 << 10

// body is a request's body that must not keep its reader waiting for ever. What counts is the time spent waiting, so an
// app that reads slowly harms no client.
type body struct {
	io.ReadCloser
	setDeadline func(time.Time) error // for the next read
	grace       time.Duration
	rate        int // bytes per second
	conn        *conn
	length      int64 // that was declared; -1 for none
	expected    bool  // the client sends it when it is told to, which reading does

	received atomic.Int64
	begun    atomic.Bool // reading has
	complete atomic.Bool // nothing more comes
	closed   atomic.Bool // by the handler
	waited   time.Duration
	refused  atomic.Pointer[modgw.Fault] // why no more of it can be read; nil: it can
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

// Close makes reading fail. What is still to come of the body is not waited for.
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// read reads until the client has used up its time. Between reads no deadline stands: the
// connection is only watched for the client's going then.
func (b *body) read(p []byte) (int, error) {
	b.begun.Store(true)
	earned := time.Duration(b.received.Load()) * time.Second / time.Duration(b.rate)
	start := time.Now()
	if b.setDeadline(start.Add(b.grace+earned-b.waited)) != nil {
		return b.ReadCloser.Read(p) // the connection has ended
	}
	n, err := b.ReadCloser.Read(p)
	_ = b.setDeadline(time.Time{})
	b.received.Add(int64(n))
	b.waited += time.Since(start)
	switch {
	case err == io.EOF:
		b.complete.Store(true)
	case errors.Is(err, os.ErrDeadlineExceeded) && b.waited >= b.grace+earned:
		b.refused.Store(slowBody())
		return n, b.refused.Load()
	case err != nil:
		// net/http may have an error of its own for what the guard broke off.
		if f := b.conn.guard.refused.Load(); f != nil {
			b.refused.Store(f)
			return n, f
		}
	}
	return n, err
}

// endsConnection reports whether the connection must end with a response that begins now, because
// so much is left of the body that nobody will read it. A client may wait for the end of the
// response before it sends on, and only that of one with a length is sent (sized) before what is
// left is read.
func (b *body) endsConnection(sized bool) bool {
	switch {
	case b == nil || b.complete.Load() || !b.conn.hasRest():
		return false
	case b.length < 0, !b.begun.Load() && (b.expected || !sized):
		return true
	}
	return b.length-b.received.Load() > drainLimit
}

// drain reads what a handler has left, up to a limit; -1 for none. It reports whether that was all.
func (b *body) drain(limit int64) bool {
	switch {
	case b.complete.Load():
		return true
	case b.expected && !b.begun.Load():
		return false // it was not sent, and the client must not be told to send it now
	}
	var rest io.Reader = readerFunc(b.read)
	if limit >= 0 {
		rest = io.LimitReader(rest, limit)
	}
	_, _ = io.Copy(io.Discard, rest) // complete tells
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

// status is that of the answer to a request whose body is refused.
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
