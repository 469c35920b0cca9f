package relay

import (
	"sync"
	"time"
)

// Clock measures the time that a request may take. It is paused while the client is waited for,
// which is not the program's fault. Its zero value has no limit.
type Clock struct {
	mu     sync.Mutex
	over   func() // nil: there is no limit, or none any more
	timer  *time.Timer
	left   time.Duration
	since  time.Time // it runs
	paused int       // in so many places
}

// Start begins to count: over is called, by a goroutine of its own, when the time is up. A limit of
// 0 is none.
func (c *Clock) Start(limit time.Duration, over func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	if limit <= 0 {
		return
	}
	c.left, c.over = limit, over
	if c.paused == 0 {
		c.run()
	}
}

// Stop lets the request take as long as it likes.
func (c *Clock) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
}

// Pause stops the clock until Resume.
func (c *Clock) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused++; c.paused == 1 && c.over != nil {
		c.timer.Stop()
		c.left -= time.Since(c.since)
	}
}

// Resume ends one Pause.
func (c *Clock) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused--; c.paused == 0 && c.over != nil {
		c.run()
	}
}

// Left is the time that is left; otherwise without a limit.
func (c *Clock) Left(otherwise time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over == nil:
		return otherwise
	case c.paused == 0:
		return c.left - time.Since(c.since)
	}
	return c.left
}

// run lets the time go on; c.mu is held, as in halt.
func (c *Clock) run() {
	c.since = time.Now()
	if c.timer == nil {
		c.timer = time.AfterFunc(max(c.left, 0), c.over)
	} else {
		c.timer.Reset(max(c.left, 0))
	}
}

func (c *Clock) halt() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer, c.over = nil, nil
}
