package http

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

// errSlowBody is what reading a body returns whose client sends too slowly.
var errSlowBody = errors.New("request body sent too slowly")

// body is a request's body that must not keep its reader waiting for ever. What counts is the time spent waiting, so an
// app that reads slowly harms no client.
type body struct {
	io.ReadCloser
	setDeadline func(time.Time) error // for the next read
	grace       time.Duration
	rate        int    // bytes per second
	guard       *guard // of the connection

	received int64
	complete bool // nothing more comes
	waited   time.Duration
	refused  atomic.Pointer[modgw.Fault] // why no more of it can be read; nil: it can
}

// Read reads until the client has used up its time. Between reads no deadline stands: the connection is only watched for
// the client's going then.
func (b *body) Read(p []byte) (int, error) {
	earned := time.Duration(b.received) * time.Second / time.Duration(b.rate)
	start := time.Now()
	if b.setDeadline(start.Add(b.grace+earned-b.waited)) != nil {
		return b.ReadCloser.Read(p) // the connection has ended
	}
	n, err := b.ReadCloser.Read(p)
	_ = b.setDeadline(time.Time{})
	b.received += int64(n)
	b.waited += time.Since(start)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, errSlowBody
	}
	if err == io.EOF {
		b.complete = true
	}
	if err != nil && err != io.EOF {
		b.refused.Store(b.guard.refused.Load()) // net/http may have an error of its own for what the guard broke off
	}
	return n, err
}

// fault is why the client is refused within the body; nil while it is not, and without a body.
func (b *body) fault() *modgw.Fault {
	if b == nil {
		return nil
	}
	return b.refused.Load()
}
