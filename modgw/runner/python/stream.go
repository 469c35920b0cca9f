package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// Why a stream cannot go on.
var (
	errOverdue   = errors.New("the request's time is up")
	errReplaced  = errors.New("the generation was replaced")
	errLaneSpent = errors.New("the lane has no stream ids left")
)

// brokeRule is an error that costs the worker its life.
func brokeRule(format string, args ...any) error {
	return &wire.ProtocolError{Rule: fmt.Sprintf(format, args...)}
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// stream is one request on a lane and its response. It belongs to one goroutine, but for the outflow, which a feeder uses.
type stream struct {
	outflow
	lane     *lane
	deadline time.Time // zero: none

	headed   bool // the head of the response came
	closed   bool // the worker closed the stream
	received wire.ReceiveWindow

	interrupted bool // guarded by lane.mu
	replaced    bool // likewise: why it was interrupted
}

// next returns the next frame of the response: Response, Body, File or Abort. It is errOverdue when the deadline passed,
// context.Canceled after interrupt, errReplaced after replace, and otherwise an error of the connection.
func (s *stream) next() (wire.Frame, error) {
	for {
		f, err := s.lane.in.Next()
		if err != nil {
			return f, s.readError(err)
		}
		if f, ok, err := s.accept(f); ok || err != nil {
			return f, err
		}
	}
}

// buffered reports whether the next frame has arrived already.
func (s *stream) buffered() (f wire.Frame, ok bool, err error) {
	for {
		f, ok, err := s.lane.in.Buffered()
		if !ok || err != nil {
			return f, false, err
		}
		if f, ok, err := s.accept(f); ok || err != nil {
			return f, ok, err
		}
	}
}

// accept judges a frame and reports whether it is a part of the response.
func (s *stream) accept(f wire.Frame) (wire.Frame, bool, error) {
	if f.Stream != s.id {
		return f, false, s.lane.stale(f)
	}
	switch f.Type {
	case wire.Window:
		return f, false, s.grow(f.Payload)
	case wire.Response:
		if s.headed {
			return f, false, brokeRule("a second Response on stream %d", s.id)
		}
		s.headed = true
		s.closed = f.End()
	case wire.Body:
		if !s.headed {
			return f, false, brokeRule("a Body frame before Response on stream %d", s.id)
		}
		s.closed = f.End()
		if err := s.received.Received(len(f.Payload)); err != nil {
			return f, false, err
		}
	case wire.File:
		if !s.headed || !f.End() {
			return f, false, brokeRule("a File frame before Response, or without the end, on stream %d", s.id)
		}
		s.closed = true
	case wire.Abort:
		s.closed = true
	default:
		return f, false, brokeRule("a %s frame on a lane", f.Type)
	}
	return f, true, nil
}

// consumed gives bytes of the body that were used back to the worker.
func (s *stream) consumed(n int) error {
	back := s.received.Consumed(n)
	if back == 0 || s.closed {
		return nil
	}
	return s.lane.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, s.id, back) })
}

// interrupt makes next return context.Canceled; any goroutine may call it, also after the stream's end.
func (s *stream) interrupt() {
	l := s.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == s {
		s.interrupted = true
		l.setDeadline(longAgo)
	}
}

// replace makes next return errReplaced; any goroutine may call it, also after the stream's end.
func (s *stream) replace() {
	s.lane.mu.Lock()
	s.replaced = true
	s.lane.mu.Unlock()
	s.interrupt()
}

// extend puts the deadline off, for time that the client took and not the app.
func (s *stream) extend(d time.Duration) {
	if s.deadline.IsZero() {
		return
	}
	s.deadline = s.deadline.Add(d)
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if !s.interrupted {
		s.lane.setDeadline(s.deadline)
	}
}

// unbound takes the deadline away.
func (s *stream) unbound() {
	s.deadline = time.Time{}
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if !s.interrupted {
		s.lane.setDeadline(s.deadline)
	}
}

// resume makes next wait again after an interruption, until the given time.
func (s *stream) resume(deadline time.Time) {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	s.deadline, s.interrupted = deadline, false
	s.lane.setDeadline(deadline)
}

// ended reports whether the worker has closed the stream.
func (s *stream) ended() bool { return s.closed }

// descriptor returns the descriptor that came with a File frame. The caller closes it.
func (s *stream) descriptor() (*os.File, error) { return s.lane.in.Descriptor() }

func (s *stream) readError(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	switch {
	case s.replaced:
		return errReplaced
	case s.interrupted:
		return context.Canceled
	}
	return errOverdue
}

// split splits a Response frame and counts what it has of the body.
func (s *stream) split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		err = s.received.Received(len(body))
	}
	return head, body, err
}
