package asgi

import (
	"context"
	"math"

	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/wire"
)

// outbox keeps the messages of a client that its app may not have received, so that they can be
// sent to another worker. The window of the stream, and the size of a message, limit its contents.
//
// Only the goroutine that has locked it may use it.
type outbox struct {
	locked chan struct{} // has an element while it is locked

	stream *mux.Stream     // takes the messages
	sends  context.Context // ends when no more are to be sent to stream
	stop   context.CancelFunc

	kept     []message // in order; all were sent, but perhaps the last ones after stop
	received int       // messages that are not kept any more
	cost     int64     // bytes of the window that all messages have used
}

// message is one of the client's.
type message struct {
	text bool
	data []byte
	end  int64 // the outbox's cost after it; unsent: it was not sent to the stream
}

// unsent is more than any stream has consumed.
const unsent = math.MaxInt64

// newOutbox makes an outbox of messages to a stream.
func newOutbox(ctx context.Context, s *mux.Stream) *outbox {
	o := &outbox{locked: make(chan struct{}, 1)}
	o.begin(ctx, s)
	return o
}

// begin makes s the stream that receives the kept messages, and all further ones.
func (o *outbox) begin(ctx context.Context, s *mux.Stream) {
	o.stream, o.received, o.cost = s, 0, 0
	for i := range o.kept {
		o.kept[i].end = unsent
	}
	o.sends, o.stop = context.WithCancel(ctx)
}

// lock reports false when ctx is done before the outbox is free.
func (o *outbox) lock(ctx context.Context) bool {
	select {
	case o.locked <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (o *outbox) unlock() { <-o.locked }

// pass keeps a message and sends it as soon as the app has room for it. It reports false when ctx
// is done.
func (o *outbox) pass(ctx context.Context, text bool, data []byte) bool {
	if !o.lock(ctx) {
		return false
	}
	defer o.unlock()
	o.forget()
	o.kept = append(o.kept, message{text: text, data: data, end: unsent})
	o.send(len(o.kept) - 1)
	return ctx.Err() == nil
}

// resend sends everything that is kept, to a new stream.
func (o *outbox) resend() {
	for i := range o.kept {
		if !o.send(i) {
			return
		}
	}
}

func (o *outbox) send(i int) bool {
	m := &o.kept[i]
	if !o.stream.SendMessage(o.sends, m.text, m.data) {
		return false // it goes to the next stream
	}
	o.cost += mux.MessageCost(len(m.data))
	m.end = o.cost
	return true
}

// forget drops the messages that the app has received.
func (o *outbox) forget() {
	n, consumed := 0, o.cost-o.stream.Outstanding()
	for n < len(o.kept) && o.kept[n].end <= consumed {
		n++
	}
	o.drop(n)
}

// drop drops the first n messages.
func (o *outbox) drop(n int) {
	kept := copy(o.kept, o.kept[n:])
	clear(o.kept[kept:])
	o.kept = o.kept[:kept]
	o.received += n
}

// account drops the messages that the app has received, which are so many altogether.
func (o *outbox) account(received int) error {
	n := received - o.received
	if n < 0 || n > len(o.kept) {
		return wire.Errorf("%d messages received, of %d", received, o.received+len(o.kept))
	}
	o.drop(n)
	return nil
}
