package response

import (
	"os"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// Source is the stream on which a response comes. Of its methods only Replace and Interrupt may be
// called by any goroutine, also after the end of the stream.
type Source interface {
	// Next returns the next frame of the response, whose payload is valid until the next call. The
	// error is relay.ErrOverdue when the request's time is up, context.Canceled when its context is
	// done, relay.ErrReplaced after Replace, and otherwise an error of the connection.
	Next() (wire.Frame, error)

	// Buffered returns the result of Next if it has arrived already.
	Buffered() (f wire.Frame, ok bool, err error)

	// Split splits a Response frame and counts the bytes of the body in it.
	Split(wire.Frame) (head, body []byte, err error)

	// File returns the file that came with a File frame. The caller closes it.
	File() (*os.File, error)

	// Release lets the worker send as many bytes of the body as were used.
	Release(n int) error

	// Ended reports whether the worker has sent everything.
	Ended() bool

	// Extend puts the deadline off.
	Extend(time.Duration)

	// RemoveDeadline lets the response take as long as it likes.
	RemoveDeadline()

	// Replace makes Next return relay.ErrReplaced.
	Replace()

	// Interrupt makes Next return context.Canceled.
	Interrupt()
}

// EventSource is a source whose event stream may go on on another stream.
type EventSource interface {
	Source

	// BeginEvents is called if the response is an event stream, with the beginning of its body, of
	// which it returns the part to pass on now. EndEvents reverts it.
	BeginEvents(body []byte) (now []byte)
	EndEvents()
}

// Cost returns how many bytes of a stream's window a frame uses until it is released.
func Cost(f wire.Frame) int {
	switch f.Type {
	case wire.Body:
		return len(f.Payload)
	case wire.Event:
		return len(f.Payload) + wire.EventCost
	}
	return 0
}
