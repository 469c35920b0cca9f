package wsgi

import (
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// startTime starts the time in which the response must come, at began if that is known; conn.mu is
// held.
func (s *stream) startTime() {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	if s.limit > 0 {
		s.deadline = s.began.Add(s.limit)
	}
	s.conn.setDeadline(s.deadline)
}

// Extend implements [response.Source].
func (s *stream) Extend(d time.Duration) {
	if s.deadline.IsZero() {
		return
	}
	s.setDeadline(s.deadline.Add(d))
}

// RemoveDeadline implements [response.Source].
func (s *stream) RemoveDeadline() { s.setDeadline(time.Time{}) }

func (s *stream) setDeadline(deadline time.Time) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.deadline = deadline; s.demand < interrupted {
		s.conn.setDeadline(deadline)
	}
}

// timeUp acts when the time of the request is up, or the time after its interruption. Next may wait
// again then.
func (s *stream) timeUp(request string, limits modgw.Timeouts) {
	w := s.conn.worker
	w.scheduler.pause(w)
	switch s.overrun.TimeUp(limits.Interrupt > 0 && w.interruptible.Load()) {
	case relay.Interrupted:
		s.extendTo(limits.Interrupt)
		w.Interrupt(s.conn.number, s.ID, limits.Request)
	case relay.GivenUp:
		s.extendTo(0)
		w.Overdue(request, limits.Request)
	}
}

// resume lets Next wait again until the request's time is up.
func (s *stream) resume() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.goOn()
}

// extendTo lets Next wait again for a time from now on; 0: for ever.
func (s *stream) extendTo(limit time.Duration) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.limit, s.deadline = limit, time.Time{}
	s.goOn()
}

// goOn takes back that Next must not wait; conn.mu is held.
func (s *stream) goOn() {
	if s.demand != returned {
		s.demand = wanted
	}
	switch {
	case !s.conn.isFirst(s):
	case s.deadline.IsZero():
		s.begin() // it was about to leave when it became the first
	default:
		s.conn.setDeadline(s.deadline)
	}
}
