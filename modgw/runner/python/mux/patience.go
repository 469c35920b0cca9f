package mux

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// wait waits for something new.
func (s *Stream) wait() error {
	if s.departure != nil && s.endless {
		// A client that listens to events keeps its sending side open.
		return context.Canceled
	}
	if s.timer == nil {
		s.makeTimer()
	}
	select {
	case <-s.news:
		return nil
	case <-s.ctx.Done():
		return context.Canceled
	case <-s.inputEnded:
		s.inputEnded = nil
		s.departure = time.AfterFunc(departureGrace, s.tellDeparture)
		return nil
	case <-s.timer.C:
	}
	asked := s.asked.Swap(true)
	if !s.deadline.get().IsZero() && !time.Now().Before(s.deadline.get()) {
		waited := s.ClientTime()
		if waited == 0 {
			return relay.ErrOverdue
		}
		s.deadline.set(s.deadline.get().Add(waited))
		s.resetTimer()
		return nil
	}
	if !asked {
		s.conn.worker.RequestLoopStack()
	}
	s.resetTimer()
	return nil
}

// expectAnswer has the worker asked whether its loop is blocked if the app, which gets a message,
// sends nothing for a while. It does not wake Next for every message: that costs more.
func (s *Stream) expectAnswer() {
	if s.asked.Swap(false) {
		s.resetTimer()
	}
}

// makeTimer makes the timer that wakes Next.
func (s *Stream) makeTimer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.NewTimer(s.patience())
}

// resetTimer sets the timer to the present patience, if Next has waited yet. The goroutine that
// sends messages calls it, too.
func (s *Stream) resetTimer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Reset(s.patience())
	}
}

// departureGrace is how long after closing its sending side a client is assumed to wait for its
// response. Then the app is told that the client has gone. It may still answer.
const departureGrace = time.Second

// tellDeparture lets the app receive http.disconnect.
func (s *Stream) tellDeparture() {
	if !s.isOver() {
		s.conn.server.app.Pool.Background(func() { s.Send(wire.Frame{Type: wire.Event}) })
	}
}

// patience returns the time to wait until the deadline, or until it is time to ask why the app
// waits.
func (s *Stream) patience() time.Duration {
	const never = 1 << 62
	limit := time.Duration(never)
	if !s.deadline.get().IsZero() {
		limit = time.Until(s.deadline.get())
	}
	if !s.asked.Load() {
		limit = min(limit, control.LagTime)
	}
	return limit
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
	s.resetTimer()
}
