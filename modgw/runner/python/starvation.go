package python

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// starvation adds up for how long an app has waited for the client to send more of the request's body. The feeder says
// when it reads; what the app has read already the worker tells.
type starvation struct {
	stream *outflow

	mu    sync.Mutex
	since time.Duration // when reading began, or was counted, by [monotonic.Now]; zero while nothing is read
	total time.Duration
}

// Pause implements [relay.Waiter]: the client is asked for more.
func (s *starvation) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = monotonic.Now()
}

// Resume implements [relay.Waiter]: the client has sent something, which has not been passed on yet.
func (s *starvation) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
	s.since = 0
}

// lookAgain is how often to look whether an app whose time is up still waits for the client.
const lookAgain = 250 * time.Millisecond

// take returns the sum and begins a new one.
func (s *starvation) take() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := s.total
	if s.total = 0; s.count() {
		total = max(total+s.total, lookAgain)
		s.total = 0
	}
	return total
}

// count adds the time until now, and reports whether the app is waiting; s.mu is held.
func (s *starvation) count() (starved bool) {
	if s.since == 0 {
		return false
	}
	now := monotonic.Now()
	since, starved := s.stream.isStarved()
	if starved {
		s.total += now - max(since, s.since)
		s.since = now
	}
	return starved
}
