package mux

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Kind is the kind of a stream's content.
type Kind uint8

// The kinds.
const (
	HTTP Kind = iota
	WebSocket
)

// progress is the worker's progress with a stream. It only grows.
type progress uint8

const (
	unsent progress = iota // the Request frame could not be written
	begun
	headed // the head of the response came, or the WebSocket was accepted
	closed // the body was received completely
)

// demand is the part of a stream that is still wanted. It only grows: a replaced stream that is
// interrupted stays replaced.
type demand uint8

const (
	everything  demand = iota
	interrupted        // Next is to return context.Canceled
	replaced           // Next is to return relay.ErrReplaced
	nothing            // further frames are dropped
)

// moveStage is the progress of a WebSocket in leaving its worker. It only grows.
type moveStage uint8

const (
	moveNone     moveStage = iota
	moveAsked              // when the app asks for a message
	moveForced             // at once
	moveAnswered           // the worker has said how many messages the app has received
)

func (m moveStage) isAwaited() bool { return m == moveAsked || m == moveForced }

// Stream is one request on a connection and its response. The goroutine that reads the connection
// stores frames; one other goroutine, which has the request, takes them. The windows of the
// protocol limit the number of stored bytes.
type Stream struct {
	request.Sender
	conn    *Conn
	ctx     context.Context // the request's
	kind    Kind
	request workers.Request
	direct  *direct       // nil: a goroutine has the request; used by the loop
	asked   atomic.Bool   // the worker was asked whether its loop is blocked or need not be
	news    chan struct{} // has a token when there is news for Next; nil with direct

	// Used by the request's goroutine, and by the reading ahead while the request is given up.
	deadline instant     // zero: none
	timer    *time.Timer // wakes Next; nil: it has not waited yet; made and reset with mu held

	inputEnded <-chan struct{} // as in opening; nil after it was seen to be closed
	departure  *time.Timer     // informs the app that the client has gone; nil: it may still send

	mu        sync.Mutex
	progress  progress
	demand    demand
	endless   bool        // the response has no deadline
	told      bool        // the app of a WebSocket was informed of its end
	moveStage moveStage   // how far it has come with leaving its worker
	inBuffer  bool        // some of the response came in shared memory
	reaper    *time.Timer // cancels an unwanted request at its deadline; nil: none is needed
	received  wire.ReceiveWindow
	arrived   []arrival
	err       error // why the connection is not read any more; nil: it is read
}

var _ response.Source = (*Stream)(nil)

// Next implements [response.Source].
func (s *Stream) Next() (wire.Frame, error) {
	for {
		f, ok, err := s.Buffered()
		if ok && s.kind == WebSocket {
			s.asked.Store(true) // it need not send anything until there is another message for it
		}
		if ok || err != nil {
			return f, err
		}
		if err := s.wait(); err != nil {
			return wire.Frame{}, err
		}
	}
}

// Release implements [response.Source].
func (s *Stream) Release(n int) error {
	s.mu.Lock()
	back := s.received.Consumed(n)
	useless := s.progress == closed && !s.inBuffer
	s.mu.Unlock()
	if back > 0 && !useless {
		s.allow(back)
	}
	return nil
}

// Ended implements [response.Source].
func (s *Stream) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress == closed && len(s.arrived) == 0
}

// Replace implements [response.Source].
func (s *Stream) Replace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demand = max(s.demand, replaced)
	s.notify()
}

// Interrupt implements [response.Source].
func (s *Stream) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demand = max(s.demand, interrupted)
	s.notify()
}

// fail reports that the connection ended before the stream.
func (s *Stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.notify()
}

// notify wakes Next.
func (s *Stream) notify() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// noteUnsent takes note that the Request frame could not be written.
func (s *Stream) noteUnsent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress == begun {
		s.progress = unsent
	}
}

// isUnsent reports whether the Request frame could not be written.
func (s *Stream) isUnsent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress == unsent
}
