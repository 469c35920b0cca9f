package request

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// minWait is the shortest time until the deadline of an app that waits for its client is checked
// again.
const minWait = 250 * time.Millisecond

// clientWait adds up how long an app has waited for the client to send more of the request's body.
type clientWait struct {
	sender *Sender

	mu    sync.Mutex
	since time.Duration // when reading began or was counted, as [monotonic.Now]; 0: nothing is read
	total time.Duration
}

// Pause implements [relay.Waiter]: a read of the client's body begins.
func (c *clientWait) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = monotonic.Now()
}

// Resume implements [relay.Waiter]: the read has ended.
func (c *clientWait) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count()
	c.since = 0
}

// take returns the sum and starts a new one. The result is at least minWait while the app waits.
func (c *clientWait) take() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := c.total
	if c.total = 0; c.count() {
		total = max(total+c.total, minWait)
		c.total = 0
	}
	return total
}

// count adds the time until now, and reports whether the app is waiting; c.mu is held.
func (c *clientWait) count() (starved bool) {
	if c.since == 0 {
		return false
	}
	now := monotonic.Now()
	since, starved := c.sender.isStarved()
	if starved {
		c.total += now - max(since, c.since)
		c.since = now
	}
	return starved
}
