package wsgi

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// progress is the worker's progress with a stream. It only grows.
type progress uint8

const (
	begun  progress = iota
	headed          // the head of the response came
	closed          // the body was received completely
)

// demand reports whether Next may wait, or the reason why not. It only grows until resume: a stream
// that was replaced stays replaced when its client leaves.
type demand uint8

const (
	wanted      demand = iota
	expired            // it has waited too long behind other streams
	interrupted        // its context is done
	replaced           // its generation or its worker is replaced
	returned           // the worker has given it back; resume does not change that
)

// stream is one request on a connection and its response. One goroutine has it; the feeder of its
// body uses the Sender.
type stream struct {
	request.Sender
	conn  *Conn
	whole bool          // the request has no body beyond its Request frame
	limit time.Duration // for the response, from when the thread can have begun; 0: none

	first    bool     // it is the first of its connection; until then it is not begun
	progress progress // how far the worker has come
	received wire.ReceiveWindow
	acquired []byte // the piece of the shared buffer that is looked at; nil: none is
	spare    []byte // the last frame is copied to it
	stray    error  // the rule that the worker broke after the end of the stream; nil: none

	abandoned bool          // the request was answered without the worker
	overrun   relay.Overrun // action that was taken because its time was up

	// turn has a token when the stream may be the first, or demand has changed; nil: it was the
	// first from the beginning, or is served on the loop.
	turn chan struct{}

	// Guarded by conn.mu.
	// serves the request on the loop, which alone changes it; nil: a goroutine does
	direct   *direct
	began    time.Time // when it became the first of its connection; zero: it is not yet
	deadline time.Time // zero: none, or it does not run yet
	demand   demand
	left     bool // it is off the connection
}

var _ response.Source = (*stream)(nil)

// Next implements [response.Source]. The error is also relay.ErrRequeued when the request was not
// begun, and queue.ErrTimeout when it has waited too long behind others.
func (s *stream) Next() (wire.Frame, error) {
	if err := s.awaitTurn(); err != nil {
		return wire.Frame{}, err
	}
	s.releasePiece()
	for {
		f, err := s.conn.in.Next()
		if err != nil {
			if err = s.readError(err); err == nil {
				continue
			}
			return f, err
		}
		if f.Stream != s.ID && f.Type != wire.Body && s.progress < headed && s.conn.isBehind(f.Stream) {
			s.conn.in.Unread(f)
			return f, s.awaitNotice()
		}
		f, ok, err := s.accept(f)
		if err != nil {
			s.conn.fail(err)
			return f, err
		}
		if ok {
			return s.keepLast(f), nil
		}
	}
}

// awaitTurn waits until the stream is the first of its connection.
func (s *stream) awaitTurn() error {
	for !s.first {
		s.conn.mu.Lock()
		err := s.demandError()
		if err == nil {
			s.first = s.conn.isFirst(s)
		}
		s.conn.mu.Unlock()
		if err != nil {
			return err
		}
		if !s.first {
			<-s.turn
		}
	}
	return nil
}

// awaitNotice waits for the notice that the request was given back, which comes on the control
// connection: the worker has already answered a request behind it.
func (s *stream) awaitNotice() error {
	s.conn.mu.Lock()
	if s.turn == nil {
		s.turn = make(chan struct{}, 1)
	}
	s.conn.mu.Unlock()
	limit := time.NewTimer(control.ExitTime)
	defer limit.Stop()
	for {
		s.conn.mu.Lock()
		err := s.demandError()
		s.conn.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-s.turn:
		case <-limit.C:
			err := wire.Errorf("an answer to another request than stream %d, whose turn it is", s.ID)
			s.conn.fail(err)
			return err
		}
	}
}

// begin starts the time of the stream, which is the first one now; conn.mu is held. The loop bounds
// the time of one that it serves: see [direct.detach].
func (s *stream) begin() {
	switch {
	case s.demand >= interrupted:
		return // it is leaving
	case s.direct != nil:
		s.first = true
		return
	case s.turn == nil:
		s.first = true // it does not wait for its turn
	}
	s.startTime()
}

// wake wakes a stream that waits, because something has changed; conn.mu is held.
func (s *stream) wake() {
	if s.direct != nil {
		s.conn.callLoop()
		return
	}
	select {
	case s.turn <- struct{}{}:
	default: // it is woken already, or reads
	}
}

// callLoop lets the loop call attend; c.mu is held.
func (c *Conn) callLoop() {
	if !c.attends {
		c.attends = true
		c.worker.loop.Post(c.attend)
	}
}

// demandError explains why the stream must not wait any longer; nil: it may. conn.mu is held.
func (s *stream) demandError() error {
	switch s.demand {
	case returned:
		return relay.ErrRequeued
	case replaced:
		return relay.ErrReplaced
	case interrupted:
		return context.Canceled
	case expired:
		return queue.ErrTimeout
	}
	return s.conn.err
}

// keepLast lets others read the connection as soon as a response is complete, before it is written
// to the client.
func (s *stream) keepLast(f wire.Frame) wire.Frame {
	if s.progress == closed && s.whole && f.Type != wire.File && len(f.Payload) <= response.SmallEnd {
		f.Payload = append(s.spare[:0], f.Payload...)
		s.leave()
	}
	return f
}

// leave gives the connection to the next stream and releases the place of this one. It may be
// called again.
func (s *stream) leave() {
	s.releasePiece()
	s.conn.mu.Lock()
	again := s.left
	if !again {
		s.left, s.stray = true, s.conn.remove(s)
	}
	s.conn.mu.Unlock()
	if again {
		return
	}
	if s.overrun != relay.InTime {
		s.conn.scheduler.resume(s.conn.worker) // it has answered if it lives
	}
	s.conn.scheduler.release(s.conn, s.abandoned)
}

// Buffered implements [response.Source].
func (s *stream) Buffered() (f wire.Frame, ok bool, err error) {
	s.releasePiece()
	for {
		f, ok, err := s.conn.in.Buffered()
		if !ok || err != nil {
			return f, false, err
		}
		if f, ok, err := s.accept(f); ok || err != nil {
			return s.keepLast(f), ok, err
		}
	}
}

// accept checks a frame and reports whether it is a part of the response.
func (s *stream) accept(f wire.Frame) (wire.Frame, bool, error) {
	if f.Stream != s.ID {
		if f.Stream == 0 {
			s.NoteProgress()
		}
		return f, false, s.conn.stale(f)
	}
	switch f.Type {
	case wire.Window:
		return f, false, s.Grow(f.Payload)
	case wire.Response:
		if s.progress >= headed {
			return f, false, wire.Errorf("a second Response on stream %d", s.ID)
		}
		if err := s.conn.kept.checkReturned(s.ID); err != nil {
			return f, false, err
		}
		s.progress = headed
		s.conn.NotePace(f.Pace, f.CPU)
	case wire.Body, wire.Shared:
		if s.progress < headed {
			return f, false, wire.Errorf("a %s frame before Response on stream %d", f.Type, s.ID)
		}
		var err error
		if f.Type == wire.Shared {
			f, err = s.acquirePiece(f)
		} else {
			err = s.received.Received(len(f.Payload))
		}
		if err != nil {
			return f, false, err
		}
	case wire.File:
		if s.progress < headed || !f.End() {
			return f, false, wire.Errorf("a File frame before Response, or without the end, on stream %d", s.ID)
		}
	case wire.Kept:
		return f, false, s.conn.kept.release(s.ID)
	case wire.Abort:
		if err := s.conn.kept.checkReturned(s.ID); err != nil {
			return f, false, err
		}
	default:
		return f, false, wire.Errorf("a %s frame on a connection for requests", f.Type)
	}
	if f.End() || f.Type == wire.Abort {
		s.progress = closed
		s.conn.lingers.Store(f.Flags&wire.FlagBusy != 0)
	}
	return f, true, nil
}

// Release implements [response.Source].
func (s *stream) Release(n int) error {
	if s.acquired != nil {
		s.releasePiece()
		return nil
	}
	back := s.received.Consumed(n)
	if back == 0 || s.progress == closed {
		return nil
	}
	return s.conn.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, s.ID, back) })
}

// Interrupt implements [response.Source].
func (s *stream) Interrupt() { s.withdraw(interrupted) }

// Replace implements [response.Source].
func (s *stream) Replace() { s.withdraw(replaced) }

// withdraw lets Next wait no longer.
func (s *stream) withdraw(d demand) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.left {
		return
	}
	s.demand = max(s.demand, d)
	if c.isFirst(s) {
		c.setDeadline(longAgo)
	}
	s.wake()
}

// Ended implements [response.Source].
func (s *stream) Ended() bool { return s.progress == closed }

// File implements [response.Source].
func (s *stream) File() (*os.File, error) { return s.conn.in.Descriptor() }

// readError explains why reading has failed; nil: only the deadline of another stream has passed.
func (s *stream) readError(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.conn.fail(err)
		return err
	}
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if why := s.demandError(); why != nil {
		return why
	}
	if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
		waited := s.ClientTime()
		if waited == 0 {
			return relay.ErrOverdue
		}
		s.deadline = s.deadline.Add(waited)
	}
	s.conn.setDeadline(s.deadline)
	return nil
}

// Split implements [response.Source].
func (s *stream) Split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		err = s.received.Received(len(body))
	}
	return head, body, err
}
