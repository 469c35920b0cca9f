package request

import (
	"io"
	"sync"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// feedSize is the most of a body that is sent in one frame: a wake-up of the worker costs more than
// the copies.
const feedSize = 256 << 10

var (
	largeBuffers = sync.Pool{New: func() any { return new([feedSize]byte) }}
	smallBuffers = sync.Pool{New: func() any { return new([relay.AheadSize]byte) }}
)

// feeder sends the rest of a request's body, as fast as the worker allows, while the response is
// read. It ends soon after [relay.Body.Stop], unless it writes to a worker that does not read.
type feeder struct {
	body   *relay.Body
	sender *Sender
	waited clientWait
	done   chan struct{} // closes when the goroutine has ended
}

// Feed sends the rest of a body in a goroutine. The channel closes when that has ended; it is nil
// when there is no rest. The caller calls [relay.Body.Stop] and waits.
func (s *Sender) Feed(body *relay.Body) (done <-chan struct{}) {
	if !body.HasRest() {
		return nil
	}
	f := &feeder{body: body, sender: s, waited: clientWait{sender: s}, done: make(chan struct{})}
	body.Spend()
	body.Stream(&f.waited)
	s.feeder = f
	go f.run()
	return f.done
}

func (f *feeder) run() {
	defer close(f.done)
	if f.sender.Slots != nil {
		defer f.sender.Slots.Done()
	}
	scratch, free := f.scratch()
	defer free()
	for {
		room := f.awaitRoom(scratch)
		if len(room) == 0 {
			return
		}
		n, err := f.body.Read(room)
		if n > 0 && err == nil || err == io.EOF {
			f.sender.SendBody(room[:n], err == io.EOF)
		}
		if err == nil {
			continue
		}
		if f.body.Err() != nil {
			f.sender.Cancel("the request body is incomplete: " + err.Error())
		}
		return
	}
}

// scratch returns a buffer for the payload of a frame; nil where the body passes through shared
// memory. It is small on a connection that many requests share.
func (f *feeder) scratch() (buffer []byte, free func()) {
	if f.sender.Buffer != nil {
		return nil, func() {}
	}
	if f.sender.Slots == nil && f.sender.size == wire.ThreadWindow {
		large := largeBuffers.Get().(*[feedSize]byte)
		return large[:], func() { largeBuffers.Put(large) }
	}
	small := smallBuffers.Get().(*[relay.AheadSize]byte)
	return small[:len(small)-wire.HeaderSize], func() { smallBuffers.Put(small) }
}

// awaitRoom waits until something may be sent, and returns where to read it to; nil when the body
// was stopped.
func (f *feeder) awaitRoom(scratch []byte) []byte {
	for {
		select {
		case <-f.body.Halted():
			return nil
		default:
		}
		if room := f.sender.room(scratch); len(room) > 0 {
			return room
		}
		select {
		case <-f.sender.Credit:
		case <-f.body.Halted():
			return nil
		}
	}
}
