package python

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// feedSize is how much of a body is sent in one frame at most: a wake-up of the worker costs more than the copies.
const feedSize = 256 << 10

// feedBuffers has buffers of feedSize.
var feedBuffers = sync.Pool{New: func() any { return new([feedSize]byte) }}

// interruptTime is how long an interrupted read may take to end.
const interruptTime = 20 * time.Millisecond

// feeder sends the rest of a request's body to the worker, as fast as its window allows, while the response is read.
type feeder struct {
	body   *requestBody
	stream *outflow
	client *http.ResponseController
	source io.Closer // the request's body

	halt chan struct{} // closes when no more is to be read
	once sync.Once
	done chan struct{} // closes when the goroutine has ended

	duplex bool        // the front sends the response without reading the body to its end first
	ended  atomic.Bool // nothing more is read from the client

	waited starvation // of the app, for the client

	reading sync.Mutex // held while the body is read
	err     error      // why the body was not sent to its end; to be read after done
}

// feed starts a feeder. Its owner calls stop and waits for done.
func feed(s *outflow, body *requestBody, w http.ResponseWriter, r *http.Request) *feeder {
	f := &feeder{
		body:   body,
		stream: s,
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
	s.feeder = f
	go f.run()
	return f
}

func (f *feeder) run() {
	defer close(f.done)
	buffer, giveBack := f.borrow()
	defer giveBack()
	for {
		room := f.awaitRoom(buffer)
		if len(room) == 0 {
			return
		}
		n, err := f.read(room)
		if err == io.EOF {
			f.ended.Store(true)
		}
		if n > 0 && err == nil || err == io.EOF {
			f.stream.send(room[:n], err == io.EOF)
		}
		switch {
		case err == nil:
		case err == io.EOF || errors.Is(err, context.Canceled):
			return
		default:
			if f.isHalted() {
				return // it was interrupted
			}
			f.err = err
			f.stream.cancel("the request body is incomplete: " + err.Error())
			return
		}
	}
}

// borrow lends a buffer for the payload of a frame, unless the body passes through a plot. As many requests of a shared lane can have one as it has seats, so
// theirs are smaller.
func (f *feeder) borrow() (buffer []byte, giveBack func()) {
	if f.stream.plot != nil {
		return nil, func() {}
	}
	if f.stream.most == wire.ThreadWindow {
		large := feedBuffers.Get().(*[feedSize]byte)
		return large[:], func() { feedBuffers.Put(large) }
	}
	small := bodyBuffers.Get().(*[aheadSize]byte)
	return small[:aheadSize-wire.HeaderSize], func() { bodyBuffers.Put(small) }
}

// awaitRoom waits until the worker may be sent something, and returns where that can be read to; nil when nothing is to be
// sent any more.
func (f *feeder) awaitRoom(buffer []byte) []byte {
	for {
		if f.isHalted() {
			return nil
		}
		if room := f.stream.room(buffer); len(room) > 0 {
			return room
		}
		select {
		case <-f.stream.credit:
		case <-f.halt:
			return nil
		}
	}
}

func (f *feeder) isHalted() bool {
	select {
	case <-f.halt:
		return true
	default:
		return false
	}
}

func (f *feeder) read(p []byte) (int, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	if f.isHalted() {
		return 0, context.Canceled
	}
	f.waited.begin()
	defer f.waited.end(f.stream)
	return f.body.next(p)
}

// announce says in the head of a response that the connection cannot be used again, when the rest of the body is still
// in it.
func (f *feeder) announce(header http.Header) {
	if f != nil && f.duplex && !f.ended.Load() {
		header.Set("Connection", "close")
	}
}

// stop makes sure that the body is not read any more, which must not happen after a handler has returned. What can
// still take time then is a write to a worker that does not read; done tells.
func (f *feeder) stop() {
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

// interrupt ends reading from a client that sends nothing, if the front knows how, and waits a little for the effect. A
// front that sets deadlines of its own may just have replaced this one.
func (f *feeder) interrupt() {
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
