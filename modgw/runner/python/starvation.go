package python

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// starvation adds up for how long an app has waited for the client to send more of the request's body. The feeder says
// when it reads; what the app has read already the worker tells.
type starvation struct {
	mu    sync.Mutex
	since time.Duration // when reading began, or was counted, by [monotonic.Now]; zero while nothing is read
	total time.Duration
}

// begin says that the client is asked for more.
func (s *starvation) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = monotonic.Now()
}

// end says that the client has sent something, which has not been passed on to o.
func (s *starvation) end(o *outflow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(o)
	s.since = 0
}

// lookAgain is how often to look whether an app whose time is up still waits for the client.
const lookAgain = 250 * time.Millisecond

// take returns the sum and begins a new one.
func (s *starvation) take(o *outflow) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := s.total
	if s.total = 0; s.count(o) {
		total = max(total+s.total, lookAgain)
		s.total = 0
	}
	return total
}

// count adds the time until now, and reports whether the app is waiting; s.mu is held.
func (s *starvation) count(o *outflow) (starved bool) {
	if s.since == 0 {
		return false
	}
	now := monotonic.Now()
	since, starved := o.isStarved()
	if starved {
		s.total += now - max(since, s.since)
		s.since = now
	}
	return starved
}
