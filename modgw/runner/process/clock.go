package process

import (
	"sync"
	"time"
)

// clock measures the time that a request may take. It stands still while the client is waited for, which is not the
// program's fault.
type clock struct {
	mu      sync.Mutex
	timer   *time.Timer // nil: there is no limit, or none any more
	left    time.Duration
	since   time.Time
	waiting int // for the client, in so many places
}

// start calls over when the time is up; a limit of 0 is none.
func (c *clock) start(limit time.Duration, over func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.timer == nil {
		c.left, c.since, c.timer = limit, time.Now(), time.AfterFunc(limit, over)
	}
}

// stop lets the request take as long as it likes.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// pause stops the clock until resume.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting++; c.waiting == 1 && c.timer != nil {
		c.timer.Stop()
		c.left -= time.Since(c.since)
	}
}

func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting--; c.waiting == 0 && c.timer != nil {
		c.since = time.Now()
		c.timer.Reset(max(c.left, 0))
	}
}
