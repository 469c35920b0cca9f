package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// interruptTime is how long an interrupted read may take to end.
const interruptTime = 20 * time.Millisecond

// Sink is where a request's body goes. Its methods may wait until the program takes what they have; whoever stops a
// feeder sees to it that they do not wait for ever.
type Sink interface {
	Send(piece []byte) error
	End() error     // the body is complete
	Fail(err error) // the client's body cannot be read to its end
}

// Feeder gives a request's body to a program while the response is read.
type Feeder struct {
	body   *Body
	sink   Sink
	client *http.ResponseController
	source io.Closer // the request's body

	halt   chan struct{} // closes when no more is to be read
	once   sync.Once
	done   chan struct{} // closes when the goroutine has ended
	duplex bool          // the front sends the response without reading the body to its end first
	ended  atomic.Bool   // nothing is read from the client any more, because all was

	reading sync.Mutex // held while the client's body is read
	err     error      // why the client's body was not read to its end; to be read after done
	broken  error      // why the sink took no more; likewise
}

// Feed starts a feeder. Its owner calls Stop and then Wait.
func Feed(body *Body, sink Sink, w http.ResponseWriter, r *http.Request) *Feeder {
	f := &Feeder{
		body:   body,
		sink:   sink,
		client: http.NewResponseController(w),
		source: r.Body,
		halt:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	if body.isReceived() {
		f.ended.Store(true)
	} else {
		// HTTP/1 would read the whole body before it sends the response; fronts that have no such habit say so by an error.
		f.duplex = f.client.EnableFullDuplex() == nil
	}
	go f.run()
	return f
}

func (f *Feeder) run() {
	defer close(f.done)
	if len(f.body.ahead) > 0 {
		if f.broken = f.sink.Send(f.body.ahead); f.broken != nil {
			return
		}
	}
	if f.body.whole {
		f.broken = f.sink.End()
		return
	}
	piece := buffers.Get().(*[aheadSize]byte)
	defer buffers.Put(piece)
	for {
		n, err := f.read(piece[:])
		if n > 0 && (err == nil || err == io.EOF) {
			if f.broken = f.sink.Send(piece[:n]); f.broken != nil {
				return
			}
		}
		switch {
		case err == io.EOF:
			f.ended.Store(true)
			f.broken = f.sink.End()
			return
		case err != nil:
			if !errors.Is(err, context.Canceled) {
				f.sink.Fail(f.body.Failure(err))
			}
			f.err = err
			return
		}
	}
}

func (f *Feeder) read(p []byte) (int, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	select {
	case <-f.halt:
		return 0, context.Canceled
	default:
		return f.body.rest(p)
	}
}

// Announce says in the head of a response that the connection cannot be used again, when the rest of the body is still
// in it.
func (f *Feeder) Announce(header http.Header) {
	if f.duplex && !f.ended.Load() {
		header.Set("Connection", "close")
	}
}

// Stop makes sure that the client's body is not read any more, which must not happen after a handler has returned.
func (f *Feeder) Stop() {
	f.once.Do(func() {
		close(f.halt)
		if f.ended.Load() {
			f.reading.Lock() // what was kept is read without waiting
			defer f.reading.Unlock()
			return
		}
		for !f.reading.TryLock() {
			f.interrupt()
		}
		f.reading.Unlock()
	})
}

// Done closes when the feeder has ended.
func (f *Feeder) Done() <-chan struct{} { return f.done }

// Sent reports, after Done, whether the program was given the whole body.
func (f *Feeder) Sent() bool { return f.err == nil && f.broken == nil }

// Ended reports whether nothing is read from the client any more because all was.
func (f *Feeder) Ended() bool { return f.ended.Load() }

// interrupt ends reading from a client that sends nothing, if the front knows how, and waits a little for the effect. A
// front that sets deadlines of its own may just have replaced this one.
func (f *Feeder) interrupt() {
	if f.client.SetReadDeadline(time.Unix(1, 0)) != nil {
		_ = f.source.Close()
	}
	timer := time.NewTimer(interruptTime)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	}
}
