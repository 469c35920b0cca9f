package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/spool"
)

const (
	// AheadSize is the number of bytes of a request's body that are read before a worker is asked
	// for, so that a slow client does not occupy a worker.
	AheadSize = 64 << 10

	// interruptTime is how long an interrupted read may take to end before it is interrupted again.
	interruptTime = 20 * time.Millisecond
)

// buffers has buffers of AheadSize.
var buffers = sync.Pool{New: func() any { return new([AheadSize]byte) }}

var errTooLarge = errors.New("it is too large")

// bodyState is the progress of receiving a body.
type bodyState int32

const (
	coming   bodyState = iota // the client may send more
	received                  // the client has sent all
	broken                    // the client's body ended too early, or is too large
	halted                    // nothing more is read from the client
)

// Waiter is notified while the client is waited for, which is not the program's time. [Clock] is
// one.
type Waiter interface {
	Pause()  // counts no time until Resume
	Resume() // ends one Pause
}

// Body is the body of a request on its way from the client, and never read after Stop. One
// goroutine at a time uses it, but for Stop, announce, IsReceived and Err. A nil one is the body of
// a request that has none.
type Body struct {
	Length int64 // -1: there is no body, or its length is unknown

	in     io.ReadCloser
	client *http.ResponseController
	limit  int64        // 0: none
	state  atomic.Int32 // a bodyState
	read   int64        // from the client so far
	total  atomic.Int64 // is read, for other goroutines
	err    error        // why it is broken; io.EOF when it was received
	ahead  []byte       // the beginning
	buffer *[AheadSize]byte
	kept   *spool.Buffer // the part after ahead that was read already; nil: none
	spent  bool          // a worker may have read bytes that Read returned

	// Set by Stream.
	waiter Waiter
	duplex bool          // the front sends a response without reading the body to its end first
	turn   chan struct{} // holds a value while a goroutine reads
	halt   chan struct{} // closes when no more is to be read
	once   sync.Once     // closes it
}

// NewBody returns a body that is complete already.
func NewBody(whole []byte) *Body {
	b := &Body{Length: int64(len(whole)), read: int64(len(whole)), ahead: whole}
	b.total.Store(b.read)
	b.end(received, io.EOF)
	return b
}

// failure returns the reason why the body could not be read or kept.
func (b *Body) failure(err error) *Failure {
	if errors.Is(err, errTooLarge) {
		return BodyTooLarge.Failure(nil, b.limit)
	}
	if notKept, ok := errors.AsType[*notKept](err); ok {
		if _, isFile := errors.AsType[*spool.FileError](err); isFile {
			return BodyNotStored.Failure(notKept.err)
		}
		return BodyNotKept.Failure(notKept.err)
	}
	return BodyIncomplete.Failure(err)
}

// Err is why the body could not be read to its end, a *[Failure]; nil when it was, or may yet be.
func (b *Body) Err() error {
	if b == nil || bodyState(b.state.Load()) != broken {
		return nil
	}
	return b.failure(b.err)
}

// IsReceived reports whether nothing more is to be read from the client because it has sent all.
func (b *Body) IsReceived() bool { return b == nil || bodyState(b.state.Load()) == received }

// repeatable reports whether the body can be sent to another worker.
func (b *Body) repeatable() bool { return b == nil || b.IsWhole() || !b.spent }

// IsWhole reports whether all of the body is in Beginning.
func (b *Body) IsWhole() bool { return b == nil || b.IsReceived() && b.read == int64(len(b.ahead)) }

// HasRest reports whether Read has something to read, or may have.
func (b *Body) HasRest() bool {
	return !b.IsWhole() && !(b.IsReceived() && b.kept != nil && b.kept.Len() == 0)
}

// Pin makes Read skip the bytes that are in the app's memory for kept bodies, until Unpin, and
// returns the buffer with their regions. There are none if nothing is kept there.
func (b *Body) Pin() (*spool.Buffer, []spool.Region) {
	if b == nil || b.kept == nil {
		return nil, nil
	}
	return b.kept, b.kept.Pin()
}

// Unpin makes Read begin with everything that is kept, for a worker that cannot read it where it
// is.
func (b *Body) Unpin() {
	if b != nil && b.kept != nil {
		b.kept.Unpin()
	}
}

// size returns the number of bytes read from the client so far.
func (b *Body) size() int64 {
	if b == nil {
		return 0
	}
	return b.total.Load()
}

// Beginning returns the bytes that were read first. Read reads the bytes after them.
func (b *Body) Beginning() []byte { return b.ahead }

// Stream allows Read to be used, and a response to be sent before the body was read to its end.
// HTTP/1 would read all of it first; fronts that do not do that return an error.
func (b *Body) Stream(w Waiter) {
	if b.IsWhole() {
		return
	}
	b.waiter, b.turn, b.halt = w, make(chan struct{}, 1), make(chan struct{})
	if !b.IsReceived() {
		b.duplex = b.client.EnableFullDuplex() == nil
	}
}

// Halted closes when no more is to be read; nil before Stream.
func (b *Body) Halted() <-chan struct{} { return b.halt }

// Spend records that the bytes after the beginning may be read from now on, so that the body cannot
// be sent to another worker.
func (b *Body) Spend() {
	if b != nil {
		b.spent = true
	}
}

// announce closes the connection, by a field in the head of a response, if the connection still
// contains a part of the body.
func (b *Body) announce(header http.Header) {
	if b != nil && b.duplex && !b.IsReceived() {
		header.Set("Connection", "close")
	}
}

// Release frees the bytes that were read.
func (b *Body) Release() {
	if b == nil {
		return
	}
	if b.buffer != nil {
		buffers.Put(b.buffer)
		b.buffer, b.ahead = nil, nil
	}
	if b.kept != nil {
		b.kept.Close()
	}
}

// Read reads the bytes after the beginning. It returns io.EOF at the end of a body of the declared
// length, and [context.Canceled] after Stop.
func (b *Body) Read(p []byte) (int, error) {
	if b.turn == nil {
		return 0, io.EOF
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-b.halt:
		return 0, context.Canceled
	}
	if b.kept != nil && b.kept.Len() > 0 {
		n, err := b.kept.Read(p)
		switch {
		case err == nil && b.kept.Len() == 0 && b.IsReceived():
			err = io.EOF
		case err == io.EOF && !b.IsReceived():
			err = nil
		}
		return n, err
	}
	return b.receive(p)
}

// receive reads on from the client.
func (b *Body) receive(p []byte) (int, error) {
	if bodyState(b.state.Load()) != coming {
		return 0, b.err
	}
	if b.waiter != nil {
		b.waiter.Pause()
		defer b.waiter.Resume()
	}
	n, err := b.in.Read(p)
	b.read += int64(n)
	b.total.Store(b.read)
	switch {
	case b.limit > 0 && b.read > b.limit:
		err = errTooLarge
	case err == io.EOF && b.Length >= 0 && b.read != b.Length:
		err = io.ErrUnexpectedEOF
	case err == nil && b.read == b.Length:
		err = io.EOF
	}
	switch {
	case err == io.EOF:
		b.end(received, err)
	case err != nil && b.isHalted():
		err = context.Canceled // it was interrupted
		b.end(halted, err)
	case err != nil:
		b.end(broken, err)
	}
	return n, err
}

// end stops reading from the client.
func (b *Body) end(s bodyState, err error) {
	b.err = err
	b.state.Store(int32(s))
}

func (b *Body) isHalted() bool {
	select {
	case <-b.halt:
		return true
	default:
		return false
	}
}

// Stop makes sure that the client's body is not read any more, which must not happen after a
// handler has returned.
func (b *Body) Stop() {
	if b != nil && b.turn != nil {
		b.once.Do(b.stop)
	}
}

func (b *Body) stop() {
	close(b.halt)
	again := time.NewTicker(interruptTime)
	defer again.Stop()
	for {
		select {
		case b.turn <- struct{}{}: // for good
			return
		default:
		}
		if bodyState(b.state.Load()) == coming { // kept bytes are read without waiting
			b.interrupt()
		}
		select {
		case b.turn <- struct{}{}:
			return
		case <-again.C:
		}
	}
}

// interrupt ends a read from an idle client, if the front supports that. A front that sets its own
// deadlines may have replaced this one, so the caller must repeat it.
func (b *Body) interrupt() {
	if b.client.SetReadDeadline(time.Unix(1, 0)) != nil {
		_ = b.in.Close()
	}
}
