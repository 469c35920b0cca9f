package mux

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Kind says what a stream carries.
type Kind uint8

// The kinds.
const (
	HTTP Kind = iota
	WebSocket
)

// progress is how far the worker has come with a stream. It only grows.
type progress uint8

const (
	begun  progress = iota
	headed          // the head of the response came, or the WebSocket was accepted
	closed          // nothing more comes
)

// demand is what is still wanted of a stream. It only grows: a replaced stream that is interrupted
// stays replaced.
type demand uint8

const (
	everything  demand = iota
	interrupted        // Next is to return context.Canceled
	replaced           // Next is to return relay.ErrReplaced
	nothing            // what comes is dropped
)

// moveStage is how far a WebSocket has come with leaving its worker. It only grows.
type moveStage uint8

const (
	moveNone     moveStage = iota
	moveAsked              // when the app asks for a message
	moveForced             // at once
	moveAnswered           // the worker has said how many messages the app has received
)

func (m moveStage) isAwaited() bool { return m == moveAsked || m == moveForced }

// Stream is one request on a connection and its response. The goroutine that reads the connection
// stores what comes; one other goroutine, which has the request, takes it. The windows of the
// protocol bound how much can be stored.
type Stream struct {
	request.Sender
	conn    *Conn
	ctx     context.Context // the request's
	kind    Kind
	request workers.Request
	direct  *direct       // nil: a goroutine has the request; used by the loop
	unsent  atomic.Bool   // the Request frame could not be written
	news    chan struct{} // has a token when there is news for Next; nil with direct

	// The request's goroutine uses these, and what reads ahead while the request is given up.
	deadline instant     // zero: none
	timer    *time.Timer // wakes Next; nil: it has not waited yet
	asked    bool        // the worker was asked whether its loop is blocked

	inputEnded <-chan struct{} // as in opening; nil after it was seen to be closed
	departure  *time.Timer     // tells the app that the client has gone; nil: it may still send

	mu        sync.Mutex
	progress  progress
	demand    demand
	endless   bool        // the response has no deadline
	told      bool        // the app of a WebSocket was told that it has ended
	moveStage moveStage   // how far it has come with leaving its worker
	inBuffer  bool        // some of the response came in shared memory
	reaper    *time.Timer // cancels an unwanted request at its deadline; nil: none is needed
	received  wire.ReceiveWindow
	arrived   []arrival
	err       error // why the connection is not read any more; nil: it is read
}

var _ response.Source = (*Stream)(nil)

// arrival is a frame that has come. A body that comes in many frames becomes one.
type arrival struct {
	wire.Frame
	file     *os.File // the file of a File frame; nil: there is none
	inBuffer bool     // the payload is in shared memory
}

// receive stores a frame. It reports whether the worker has closed the stream with it.
func (s *Stream) receive(f wire.Frame, file *os.File) (end bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Type == wire.Window {
		return false, s.Grow(f.Payload)
	}
	inBuffer := f.Type == wire.Shared
	if inBuffer {
		if f, err = s.acquireBody(f); err != nil {
			return false, err
		}
	}
	if err := s.check(f, inBuffer); err != nil {
		closeFile(file)
		return false, err
	}
	end = f.End() || f.Type == wire.Abort
	if end {
		s.progress = closed
	}
	switch {
	case s.demand == nothing:
		closeFile(file)
		s.allowUnwanted(response.Cost(f))
	case inBuffer:
		s.arrived = append(s.arrived, arrival{Frame: f, inBuffer: true})
		s.notify()
	default:
		s.store(f, file)
		s.notify()
	}
	return end, nil
}

// check checks that a frame, whose payload may be in shared memory, may come now; s.mu is held.
func (s *Stream) check(f wire.Frame, inBuffer bool) error {
	switch f.Type {
	case wire.Response:
		if s.progress >= headed {
			return wire.Errorf("a second Response on stream %d", s.ID)
		}
		s.progress = headed
		return nil // Split counts the body that is in it
	case wire.Body:
		if s.progress < headed {
			return wire.Errorf("a Body frame before Response on stream %d", s.ID)
		}
		if inBuffer {
			return s.received.ReceivedWithin(len(f.Payload), wire.MuxWindow)
		}
		return s.received.Received(len(f.Payload))
	case wire.Event:
		if len(f.Payload) == 0 {
			return wire.Errorf("an empty Event on stream %d", s.ID)
		}
		accepts := s.kind == WebSocket && s.progress < headed
		if accepts {
			s.progress = headed
		}
		if accepts || f.End() {
			return nil // there is one of each
		}
		if s.moveStage.isAwaited() && wire.IsInt(f.Payload) {
			s.moveStage = moveAnswered
			return nil
		}
		return s.received.Received(response.Cost(f))
	case wire.File:
		if s.progress < headed || !f.End() || s.kind != HTTP {
			return wire.Errorf("a File frame before Response, or without the end, on stream %d", s.ID)
		}
		return nil
	case wire.Abort:
		return nil
	}
	return wire.Errorf("a %s frame on a connection for requests", f.Type)
}

// store copies a frame, whose payload is valid until the next read; s.mu is held.
func (s *Stream) store(f wire.Frame, file *os.File) {
	if n := len(s.arrived); n > 0 && f.Type == wire.Body {
		if last := &s.arrived[n-1]; last.Type == wire.Body && !last.inBuffer {
			last.Payload = append(last.Payload, f.Payload...)
			last.Flags |= f.Flags
			return
		}
	}
	f.Payload = append([]byte(nil), f.Payload...)
	s.arrived = append(s.arrived, arrival{Frame: f, file: file})
}

// Next implements [response.Source].
func (s *Stream) Next() (wire.Frame, error) {
	for {
		f, ok, err := s.Buffered()
		if ok || err != nil {
			return f, err
		}
		if err := s.wait(); err != nil {
			return wire.Frame{}, err
		}
	}
}

// Buffered implements [response.Source].
func (s *Stream) Buffered() (f wire.Frame, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.demand == replaced:
		return f, false, relay.ErrReplaced
	case s.demand == interrupted:
		return f, false, context.Canceled
	case len(s.arrived) == 0:
		return f, false, s.err
	case s.arrived[0].Type == wire.File:
		return s.arrived[0].Frame, true, nil // File removes it
	}
	f = s.arrived[0].Frame
	s.arrived[0] = arrival{}
	s.arrived = s.arrived[1:]
	return f, true, nil
}

// wait waits for something new.
func (s *Stream) wait() error {
	if s.departure != nil && s.endless {
		// A client that listens to events keeps its sending side open.
		return context.Canceled
	}
	var late <-chan time.Time
	if s.timer == nil {
		s.timer = time.NewTimer(s.patience())
	}
	late = s.timer.C
	select {
	case <-s.news:
		return nil
	case <-s.ctx.Done():
		return context.Canceled
	case <-s.inputEnded:
		s.inputEnded = nil
		s.departure = time.AfterFunc(departureGrace, s.tellDeparture)
		return nil
	case <-late:
	}
	if s.asked = true; !s.deadline.get().IsZero() && !time.Now().Before(s.deadline.get()) {
		waited := s.ClientTime()
		if waited == 0 {
			return relay.ErrOverdue
		}
		s.deadline.set(s.deadline.get().Add(waited))
		s.timer.Reset(s.patience())
		return nil
	}
	s.conn.worker.RequestLoopStack()
	s.timer.Reset(s.patience())
	return nil
}

// departureGrace is how long after the end of its sending side a client counts as one that waits
// for its response. Then the app is told that the client has gone. It may still answer.
const departureGrace = time.Second

// tellDeparture lets the app receive http.disconnect.
func (s *Stream) tellDeparture() {
	if !s.isOver() {
		s.conn.server.app.Pool.Background(func() { s.Send(wire.Frame{Type: wire.Event}) })
	}
}

// patience is how long to wait until the deadline, or until it is time to ask what holds the app
// up.
func (s *Stream) patience() time.Duration {
	const never = 1 << 62
	limit := time.Duration(never)
	if !s.deadline.get().IsZero() {
		limit = time.Until(s.deadline.get())
	}
	if !s.asked {
		limit = min(limit, control.LagTime)
	}
	return limit
}

// Split implements [response.Source].
func (s *Stream) Split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		window := wire.InitialWindow
		if s.inBuffer {
			window = wire.MuxWindow // what came after it was counted before
		}
		err = s.received.ReceivedWithin(len(body), window)
	}
	return head, body, err
}

// File implements [response.Source].
func (s *Stream) File() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.arrived[0].file
	s.arrived = nil
	return file, nil
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

// Extend implements [response.Source].
func (s *Stream) Extend(d time.Duration) {
	if !s.deadline.get().IsZero() {
		s.setDeadline(s.deadline.get().Add(d))
	}
}

// RemoveDeadline implements [response.Source].
func (s *Stream) RemoveDeadline() {
	s.setDeadline(time.Time{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endless = true
}

func (s *Stream) setDeadline(deadline time.Time) {
	s.deadline.set(deadline)
	if s.timer != nil {
		s.timer.Reset(s.patience())
	}
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

// Abandon drops what still comes, and tells the worker why. With over the app must not go on with
// the request; otherwise it must not when the request's time is up. The slot is released when the
// worker closes the stream.
func (s *Stream) Abandon(reason string, over bool) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Lock()
	ended := s.progress == closed || s.err != nil
	s.demand = nothing
	over = over || s.endless // an app that sends events to a client has nothing to do without one
	if deadline := s.deadline.get(); !ended && !over && !deadline.IsZero() {
		s.reaper = time.AfterFunc(time.Until(deadline), func() { s.end(reason) })
	}
	s.drop()
	s.mu.Unlock()
	switch {
	case ended:
	case over:
		s.end(reason)
	default:
		s.cancel(reason, false)
	}
}

// end cancels a request, and replaces the worker if it does not end the request.
func (s *Stream) end(reason string) {
	s.cancel(reason, true)
	s.watchStuck()
}

// cancel sends a Cancel frame, in the background because a worker that is stuck reads nothing.
func (s *Stream) cancel(reason string, over bool) {
	f := wire.Frame{Type: wire.Cancel, Payload: []byte(reason)}
	if over {
		f.Flags = wire.FlagEnd
	}
	send := func() {
		s.Send(f)
		s.conn.noteSent() // it may have taken so long that the checks have ended
	}
	s.conn.noteSent() // it may wait for a loop that is blocked
	if !s.conn.server.app.Pool.Background(send) {
		send()
	}
}

// stopReaper is called when the stream has ended.
func (s *Stream) stopReaper() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reaper != nil {
		s.reaper.Stop()
	}
}

// Finish frees what belongs to a stream whose response is not read any more.
func (s *Stream) Finish() {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.departure != nil {
		s.departure.Stop()
	}
	s.releaseBody()
	s.conn.closeBuffer()
}

// fail says that the connection ended before the stream.
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

// drop drops what has come; s.mu is held.
func (s *Stream) drop() {
	used := 0
	for _, a := range s.arrived {
		closeFile(a.file)
		used += response.Cost(a.Frame)
	}
	s.arrived = nil
	s.allowUnwanted(used)
}

// allowUnwanted lets the worker send the rest of a response that is dropped, so that it comes to
// its end; s.mu is held.
func (s *Stream) allowUnwanted(n int) {
	back := 0
	switch {
	case s.inBuffer:
		back = s.received.Rest()
	case s.progress < closed:
		back = s.received.Consumed(n)
	}
	if back > 0 {
		// In the background, because reading must not wait for writing.
		s.conn.server.app.Pool.Background(func() { s.allow(back) })
	}
}

func closeFile(file *os.File) {
	if file != nil {
		// It was only read.
		_ = file.Close()
	}
}

// instant is a time that several goroutines read and set. The zero value is the zero time.
type instant struct{ at atomic.Pointer[time.Time] }

func (i *instant) get() time.Time {
	if at := i.at.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

func (i *instant) set(t time.Time) { i.at.Store(&t) }
