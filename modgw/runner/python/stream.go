package python

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// Why a stream cannot go on.
var (
	errOverdue   = relay.ErrOverdue
	errReplaced  = relay.ErrReplaced
	errLaneSpent = errors.New("the lane has no stream ids left")
	errReturned  = relay.ErrRequeued
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// smallEnd is the longest last frame of a response that is copied, so that others may read the lane while it is written to
// the client.
const smallEnd = 32 << 10

// stream is one request on a lane and its response. It belongs to one goroutine, but for the outflow, which a feeder uses.
type stream struct {
	outflow
	lane     *lane
	direct   *direct       // serves the request on the loop, which alone changes that; nil: a goroutine does. lane.mu guards it
	whole    bool          // the request has no body beyond its Request frame
	limit    time.Duration // for the response, from when the thread can have begun; 0: none
	spare    []byte        // where the last frame is copied to
	deadline time.Time     // zero: none, or not yet
	stray    error         // the rule that the worker broke beyond the end

	abandoned bool // the request was answered without the worker

	first bool          // it is the first of its lane, and reads; one that never was has not been begun
	turn  chan struct{} // has a token when it may be the first, or something below is set; nil: it was from the beginning

	headed   bool // the head of the response came
	closed   bool // the worker closed the stream
	received wire.ReceiveWindow
	borrowed int // bytes of the lane's plot that are being looked at

	// Guarded by lane.mu.
	left bool // it is off the lane

	// Likewise: why it must not wait any longer.
	interrupted bool
	replaced    bool // the reason of that
	returned    bool // the request was not begun
	late        bool // it has waited behind others for too long
}

// next returns the next frame of the response: Response, Body, File or Abort. It is errOverdue when the deadline passed,
// context.Canceled after interrupt, errReplaced after replace, errReturned when the request was not begun, errQueueTimeout
// when it waited behind others for too long, and otherwise an error of the connection.
func (s *stream) next() (wire.Frame, error) {
	if err := s.awaitTurn(); err != nil {
		return wire.Frame{}, err
	}
	s.restore()
	for {
		f, err := s.lane.in.Next()
		if err != nil {
			if err = s.readError(err); err == nil {
				continue
			}
			return f, err
		}
		if f.Stream != s.id && f.Type != wire.Body && !s.headed && s.lane.waits(f.Stream) {
			s.lane.in.Unread(f)
			return f, s.awaitNotice()
		}
		f, ok, err := s.accept(f)
		if err != nil {
			s.lane.fail(err)
			return f, err
		}
		if ok {
			return s.keepLast(f), nil
		}
	}
}

// awaitTurn waits until the stream is the first of its lane.
func (s *stream) awaitTurn() error {
	for !s.first {
		s.lane.mu.Lock()
		err := s.unwanted()
		if err == nil {
			s.first = s.lane.isFirst(s)
		}
		s.lane.mu.Unlock()
		if err != nil {
			return err
		}
		if !s.first {
			<-s.turn
		}
	}
	return nil
}

// awaitNotice waits for the word that the request was given back, which comes on another connection: the worker has answered
// one behind it already.
func (s *stream) awaitNotice() error {
	s.lane.mu.Lock()
	if s.turn == nil {
		s.turn = make(chan struct{}, 1)
	}
	s.lane.mu.Unlock()
	limit := time.NewTimer(exitTime)
	defer limit.Stop()
	for {
		s.lane.mu.Lock()
		err := s.unwanted()
		s.lane.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-s.turn:
		case <-limit.C:
			err := wire.Errorf("an answer to another request than stream %d, whose turn it is", s.id)
			s.lane.fail(err)
			return err
		}
	}
}

// begin lets the stream, which is the first one now, have its time; lane.mu is held.
func (s *stream) begin() {
	switch {
	case s.interrupted || s.returned:
		return // it is leaving
	case s.direct != nil, s.turn == nil:
		s.first = true // it does not wait for its turn
	}
	if s.limit > 0 {
		s.deadline = time.Now().Add(s.limit)
	}
	s.lane.setDeadline(s.deadline)
}

// wake makes a stream that waits look at what has changed; lane.mu is held.
func (s *stream) wake() {
	if s.direct != nil {
		s.lane.callLoop()
		return
	}
	select {
	case s.turn <- struct{}{}:
	default: // it will look anyway, or reads
	}
}

// callLoop has the loop attend to the lane; lane.mu is held.
func (l *lane) callLoop() {
	if !l.attends {
		l.attends = true
		l.worker.runner.config.Loop.Post(l.attend)
	}
}

// unwanted is why the stream must not wait for its turn any longer; lane.mu is held.
func (s *stream) unwanted() error {
	switch {
	case s.returned:
		return errReturned
	case s.replaced:
		return errReplaced
	case s.interrupted:
		return context.Canceled
	case s.late:
		return errQueueTimeout
	}
	return s.lane.broken
}

// isStirred reports whether an error of next is about who waits for the response, and not about its worker.
func isStirred(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, errReplaced) || errors.Is(err, errQueueTimeout)
}

// keepLast lets others read the lane as soon as a response is complete, before it is written to the client.
func (s *stream) keepLast(f wire.Frame) wire.Frame {
	if s.closed && s.whole && f.Type != wire.File && len(f.Payload) <= smallEnd {
		f.Payload = append(s.spare[:0], f.Payload...)
		s.leave()
	}
	return f
}

// leave gives the lane to the next stream, and the place of this one to the pool. It may be called again.
func (s *stream) leave() {
	s.restore()
	s.lane.mu.Lock()
	again := s.left
	if !again {
		s.left, s.stray = true, s.lane.remove(s)
	}
	s.lane.mu.Unlock()
	if !again {
		s.lane.pool.release(s.lane, s.abandoned)
	}
}

// buffered reports whether the next frame has arrived already.
func (s *stream) buffered() (f wire.Frame, ok bool, err error) {
	s.restore()
	for {
		f, ok, err := s.lane.in.Buffered()
		if !ok || err != nil {
			return f, false, err
		}
		if f, ok, err := s.accept(f); ok || err != nil {
			return s.keepLast(f), ok, err
		}
	}
}

// accept judges a frame and reports whether it is a part of the response.
func (s *stream) accept(f wire.Frame) (wire.Frame, bool, error) {
	if f.Stream != s.id {
		if f.Stream == 0 {
			s.heard.Store(int64(monotonic.Now()))
		}
		return f, false, s.lane.stale(f)
	}
	switch f.Type {
	case wire.Window:
		return f, false, s.grow(f.Payload)
	case wire.Response:
		if s.headed {
			return f, false, wire.Errorf("a second Response on stream %d", s.id)
		}
		s.headed = true
		s.closed = f.End()
		s.lane.paced(f.Pace, f.CPU)
	case wire.Body, wire.Lent:
		if !s.headed {
			return f, false, wire.Errorf("a %s frame before Response on stream %d", f.Type, s.id)
		}
		s.closed = f.End()
		if f.Type == wire.Lent {
			f, err := s.borrow(f)
			return f, err == nil, err
		}
		if err := s.received.Received(len(f.Payload)); err != nil {
			return f, false, err
		}
	case wire.File:
		if !s.headed || !f.End() {
			return f, false, wire.Errorf("a File frame before Response, or without the end, on stream %d", s.id)
		}
		s.closed = true
	case wire.Abort:
		s.closed = true
	default:
		return f, false, wire.Errorf("a %s frame on a lane", f.Type)
	}
	return f, true, nil
}

// consumed gives bytes of the body that were used back to the worker.
func (s *stream) consumed(n int) error {
	if s.borrowed > 0 {
		s.restore()
		return nil
	}
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
	if s.left {
		return
	}
	s.interrupted = true
	if l.isFirst(s) {
		l.setDeadline(longAgo)
	}
	s.wake()
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
	s.bound(s.deadline.Add(d))
}

// unbound takes the deadline away.
func (s *stream) unbound() { s.bound(time.Time{}) }

func (s *stream) bound(deadline time.Time) {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if s.deadline = deadline; !s.interrupted {
		s.lane.setDeadline(deadline)
	}
}

// resume makes next wait again, as long as the request's time lasts; with forever also when it is up.
func (s *stream) resume(forever bool) {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	s.interrupted, s.replaced, s.late = false, false, false
	if forever {
		s.limit, s.deadline = 0, time.Time{}
	}
	switch {
	case !s.lane.isFirst(s):
	case s.deadline.IsZero():
		s.begin() // it was about to leave when it became the first
	default:
		s.lane.setDeadline(s.deadline)
	}
}

// ended reports whether the worker has closed the stream.
func (s *stream) ended() bool { return s.closed }

// descriptor returns the descriptor that came with a File frame. The caller closes it.
func (s *stream) descriptor() (*os.File, error) { return s.lane.in.Descriptor() }

// readError is why reading has failed, and nil when it only was another stream's deadline that passed.
func (s *stream) readError(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.lane.fail(err)
		return err
	}
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if why := s.unwanted(); why != nil {
		return why
	}
	if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
		waited := s.clientTime()
		if waited == 0 {
			return errOverdue
		}
		s.deadline = s.deadline.Add(waited)
	}
	s.lane.setDeadline(s.deadline)
	return nil
}

// split splits a Response frame and counts what it has of the body.
func (s *stream) split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		err = s.received.Received(len(body))
	}
	return head, body, err
}
