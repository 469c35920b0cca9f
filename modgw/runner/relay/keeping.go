package relay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/modgw/modgw/modgw/spool"
)

// Keeping selects the part of a body that is read before a worker is asked for, which would have to
// wait for the client.
type Keeping int

// The ways to keep a body. Each includes the ones before it.
const (
	KeepNothing   Keeping = iota
	KeepBeginning         // the first AheadSize bytes
	KeepMost              // as much as the app's spool { upload } allows
	KeepLength            // a body of unknown length: the worker needs the length
)

// Open sets Body to the body of the request, and reads the part that is to be kept. The error is a
// *[Failure].
func (r *Request) Open(k Keeping) error {
	limit := r.Config.Descriptor.Limits.Body
	if limit > 0 && r.R.ContentLength > limit {
		return BodyTooLarge.Failure(nil, limit)
	}
	b := &Body{Length: r.R.ContentLength, in: r.R.Body, limit: limit}
	r.Body = b
	if b.in == nil || b.in == http.NoBody || b.Length == 0 {
		b.end(received, io.EOF)
		if b.Length != 0 || r.R.Header["Content-Length"] == nil {
			b.Length = -1
		}
		return nil
	}
	b.client = http.NewResponseController(r.W)
	err := b.keep(k, r)
	if err == nil {
		return nil
	}
	b.Release()
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	return b.failure(err)
}

// keep reads the part that is to be kept.
func (b *Body) keep(k Keeping, r *Request) error {
	var err error
	c := r.Config
	if k >= KeepBeginning {
		err = b.fill()
	}
	unknown := b.Length < 0 && k == KeepLength
	switch limit := c.Descriptor.Spool.Upload; {
	case err != nil || b.IsReceived() || k < KeepMost:
	case unknown && c.Spool == nil:
		return LengthRequired.Failure(nil)
	case unknown:
		err = b.spool(c.Spool, math.MaxInt64, r.Area)
	case c.Spool != nil && limit > 0:
		err = b.spool(c.Spool, limit, r.Area)
	}
	if b.IsReceived() {
		b.Length = b.read
	}
	return err
}

// fill reads the beginning.
func (b *Body) fill() error {
	b.buffer = buffers.Get().(*[AheadSize]byte)
	for !b.IsReceived() && len(b.ahead) < AheadSize {
		n, err := b.receive(b.buffer[len(b.ahead):])
		b.ahead = b.buffer[:len(b.ahead)+n]
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

// spool stores the bytes after the beginning.
func (b *Body) spool(a *spool.Account, limit int64, area *spool.Area) error {
	if b.Length >= 0 {
		limit = min(limit, b.Length-b.read) // so that no memory beyond it is taken
	}
	if area != nil {
		b.kept = spool.NewSharedBuffer(a, limit, area)
	} else {
		b.kept = spool.NewBuffer(a, limit)
	}
	piece := buffers.Get().(*[AheadSize]byte)
	defer buffers.Put(piece)
	for left := limit; left > 0 && !b.IsReceived(); {
		room := b.kept.Room()
		inMemory := len(room) > 0
		if !inMemory {
			room = piece[:]
		}
		n, err := b.receive(room[:min(left, int64(len(room)))])
		left -= int64(n)
		if err != nil && err != io.EOF {
			return err
		}
		if inMemory {
			b.kept.Wrote(n)
		} else if _, err := b.kept.Write(room[:n]); err != nil {
			return &notKept{err}
		}
	}
	b.kept.End(io.EOF)
	return nil
}

// notKept means that the host cannot keep a request body.
type notKept struct{ err error }

func (e *notKept) Error() string { return fmt.Sprintf("the request body cannot be kept: %v", e.err) }
func (e *notKept) Unwrap() error { return e.err }
