package http

import (
	"errors"
	"io"
	"os"
	"time"
)

// errSlowBody is what reading a body returns whose client sends too slowly.
var errSlowBody = errors.New("request body sent too slowly")

// body is a request's body that must not keep its reader waiting for ever. What counts is the time spent waiting, so an
// app that reads slowly harms no client.
type body struct {
	io.ReadCloser
	setDeadline func(time.Time) error // for the next read
	grace       time.Duration
	rate        int // bytes per second

	received int64
	waited   time.Duration
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
	return n, err
}
