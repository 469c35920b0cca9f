package mux

import (
	"time"

	"github.com/modgw/modgw/modgw/wire"
)

// Abandon drops further frames, and sends the worker the reason. With over the app must not
// continue the request; otherwise it may until the request's time is up. The slot is released when
// the worker closes the stream.
func (s *Stream) Abandon(reason string, over bool) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Lock()
	ended := s.progress == closed || s.err != nil
	s.demand = nothing
	over = over || s.endless // an app that sends events has nothing to do without a client
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

// Finish frees the resources of a stream whose response is not read any more.
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

// allowUnwanted lets the worker send the rest of a response that is dropped, so that it can end;
// s.mu is held.
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
