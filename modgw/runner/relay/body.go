package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/upload"
	"github.com/modgw/modgw/modgw/spool"
)

const (
	// aheadSize is how much of a request's body is read before a worker is asked for, so that a slow client does not hold one
	// that waits for it.
	aheadSize = 64 << 10

	// interruptTime is how long an interrupted read may take to end before it is interrupted again.
	interruptTime = 20 * time.Millisecond
)

// buffers has buffers of aheadSize.
var buffers = sync.Pool{New: func() any { return new([aheadSize]byte) }}

var errTooLarge = errors.New("it is too large")

// bodyState is how far a body has come.
type bodyState int32

const (
	coming   bodyState = iota // the client may send more
	received                  // the client has sent all
	broken                    // the client's body ended too early, or is too large
	halted                    // nothing more is read from the client
)

// Body is the body of a request on its way from the client, and never read after Stop. One goroutine at a time uses it, but for
// Stop, Announce, IsReceived and Err. A nil one is the body of a request that has none.
type Body struct {
	Length int64 // -1: there is none, or nobody knows

	in     io.ReadCloser
	client *http.ResponseController
	clock  *Clock // stands still while the client is waited for; nil: none
	limit  int64  // 0: none

	turn   chan struct{} // has room for whoever reads
	halt   chan struct{} // closes when no more is to be read
	once   sync.Once     // closes it
	duplex bool          // the front sends a response without reading the body to its end first
	state  atomic.Int32  // a bodyState
	read   int64         // from the client so far
	err    error         // why it is broken; io.EOF when it was received
	spent  bool          // what comes after ahead may have been read
	ahead  []byte        // the beginning, which was read before a worker was asked for
	buffer *[aheadSize]byte
	kept   *upload.Kept // what comes after ahead and was read already; nil: nothing
}

// Open makes Body that of the request. The error is a *[Failure] when it is larger than it may be.
func (r *Request) Open() error {
	limit := r.Config.Descriptor.Limits.Body
	b := &Body{
		Length: r.R.ContentLength, in: r.R.Body, client: http.NewResponseController(r.W), limit: limit,
		turn: make(chan struct{}, 1), halt: make(chan struct{}),
	}
	switch {
	case limit > 0 && b.Length > limit:
		return BodyTooLarge.Failure(nil, limit)
	case b.in == nil || b.in == http.NoBody || b.Length == 0:
		b.end(received, io.EOF)
		if b.Length != 0 || r.R.Header["Content-Length"] == nil {
			b.Length = -1
		}
	}
	r.Body = b
	return nil
}

// OpenKept is Open that reads as much of the body as the host keeps: no worker has to wait for that. A body of unknown length
// is kept to its end. The error is a *[Failure].
func (r *Request) OpenKept() error {
	if err := r.Open(); err != nil {
		return err
	}
	err := r.Body.fill()
	if err == nil {
		err = r.Body.keep(r.Config)
	}
	if err == nil {
		return nil
	}
	r.Body.Release()
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	return r.Body.failure(err)
}

// failure says why the body could not be read or kept.
func (b *Body) failure(err error) *Failure {
	if errors.Is(err, errTooLarge) {
		return BodyTooLarge.Failure(nil, b.limit)
	}
	if notKept, ok := errors.AsType[*upload.NotKept](err); ok {
		if _, isFile := errors.AsType[*spool.FileError](err); isFile {
			return BodyNotStored.Failure(notKept.Err)
		}
		return BodyNotKept.Failure(notKept.Err)
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

// Repeatable reports whether the body can be sent to another worker.
func (b *Body) Repeatable() bool { return b == nil || b.isWhole() || !b.spent }

// isWhole reports whether all of the body was read ahead.
func (b *Body) isWhole() bool { return b.IsReceived() && b.read == int64(len(b.ahead)) }

// Stream lets a response be sent before the body was read to its end, and the time that Read waits for the client not count.
// HTTP/1 would read the whole body first; fronts that have no such habit say so by an error.
func (b *Body) Stream(c *Clock) {
	b.clock = c
	if !b.IsReceived() {
		b.duplex = b.client.EnableFullDuplex() == nil
	}
}

// Spend notes that what comes after the beginning may be read from now on, so that it cannot be sent to another worker.
func (b *Body) Spend() {
	if b != nil {
		b.spent = true
	}
}

// Announce says in the head of a response that the connection cannot be used again, when the rest of the body is still in it.
func (b *Body) Announce(header http.Header) {
	if b != nil && b.duplex && !b.IsReceived() {
		header.Set("Connection", "close")
	}
}

// Release lets go of what was read.
func (b *Body) Release() {
	if b == nil {
		return
	}
	if b.buffer != nil {
		buffers.Put(b.buffer)
		b.buffer, b.ahead = nil, nil
	}
	b.kept.Close()
}

// fill reads the beginning.
func (b *Body) fill() error {
	if b.IsReceived() {
		return nil
	}
	b.buffer = buffers.Get().(*[aheadSize]byte)
	for !b.IsReceived() && len(b.ahead) < aheadSize {
		n, err := b.receive(b.buffer[len(b.ahead):])
		b.ahead = b.buffer[:len(b.ahead)+n]
		if err != nil && err != io.EOF {
			return err
		}
	}
	if b.IsReceived() {
		b.Length = b.read
	}
	return nil
}

// keep reads on: as far as the app's spool goes, and all of a body of unknown length.
func (b *Body) keep(c *modgw.RunnerConfig) (err error) {
	switch {
	case b.IsReceived():
	case b.Length >= 0:
		b.kept, err = upload.Keep(c, b.receive)
	case c.Spool == nil:
		return LengthRequired.Failure(nil)
	default:
		b.kept, err = upload.KeepAll(c, b.receive)
		b.Length = b.read
	}
	return err
}

// Read reads what comes after the beginning. It is io.EOF at the end of a body that is as long as it should be, and
// [context.Canceled] after Stop.
func (b *Body) Read(p []byte) (int, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-b.halt:
		return 0, context.Canceled
	}
	if b.kept == nil {
		return b.receive(p)
	}
	n, err := b.kept.Read(p)
	if err == io.EOF && !b.IsReceived() {
		b.kept.Close()
		b.kept, err = nil, nil
		if n == 0 {
			return b.receive(p)
		}
	}
	return n, err
}

// receive reads on from the client.
func (b *Body) receive(p []byte) (int, error) {
	if bodyState(b.state.Load()) != coming {
		return 0, b.err
	}
	if b.clock != nil {
		b.clock.Pause()
		defer b.clock.Resume()
	}
	n, err := b.in.Read(p)
	b.read += int64(n)
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

// end lets nothing more be read from the client.
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

// Stop makes sure that the client's body is not read any more, which must not happen after a handler has returned.
func (b *Body) Stop() {
	if b != nil {
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
		if bodyState(b.state.Load()) == coming { // what was kept is read without waiting
			b.interrupt()
		}
		select {
		case b.turn <- struct{}{}:
			return
		case <-again.C:
		}
	}
}

// interrupt ends reading from a client that sends nothing, if the front knows how. A front that sets deadlines of its own may
// just have replaced this one, so that it must be tried again.
func (b *Body) interrupt() {
	if b.client.SetReadDeadline(time.Unix(1, 0)) != nil {
		_ = b.in.Close()
	}
}
