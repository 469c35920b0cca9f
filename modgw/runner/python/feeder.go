package python

import (
	"io"
	"sync"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// feedSize is how much of a body is sent in one frame at most: a wake-up of the worker costs more than the copies.
const feedSize = 256 << 10

// feedBuffers has buffers of feedSize.
var feedBuffers = sync.Pool{New: func() any { return new([feedSize]byte) }}

// smallBuffers has buffers of relay.AheadSize.
var smallBuffers = sync.Pool{New: func() any { return new([relay.AheadSize]byte) }}

// feeder sends the rest of a request's body to the worker, as fast as its window allows, while the response is read. It ends soon
// after [relay.Body.Stop], unless it has to write to a worker that does not read.
type feeder struct {
	body   *relay.Body
	stream *outflow
	waited starvation    // of the app, for the client
	done   chan struct{} // closes when the goroutine has ended
}

// feed starts a feeder; nil when there is nothing to send beyond the beginning of the body. Its owner stops the body and waits
// for done.
func feed(s *outflow, body *relay.Body) *feeder {
	if body.IsWhole() {
		return nil
	}
	f := &feeder{body: body, stream: s, waited: starvation{stream: s}, done: make(chan struct{})}
	body.Spend()
	body.Stream(&f.waited)
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
		n, err := f.body.Read(room)
		if n > 0 && err == nil || err == io.EOF {
			f.stream.send(room[:n], err == io.EOF)
		}
		if err == nil {
			continue
		}
		if f.body.Err() != nil {
			f.stream.cancel("the request body is incomplete: " + err.Error())
		}
		return
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
	small := smallBuffers.Get().(*[relay.AheadSize]byte)
	return small[:len(small)-wire.HeaderSize], func() { smallBuffers.Put(small) }
}

// awaitRoom waits until the worker may be sent something, and returns where that can be read to; nil when nothing is to be
// sent any more.
func (f *feeder) awaitRoom(buffer []byte) []byte {
	for {
		select {
		case <-f.body.Halted():
			return nil
		default:
		}
		if room := f.stream.room(buffer); len(room) > 0 {
			return room
		}
		select {
		case <-f.stream.credit:
		case <-f.body.Halted():
			return nil
		}
	}
}
