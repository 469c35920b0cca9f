package python

import "time"

const (
	firstDelay = 250 * time.Millisecond
	maxDelay   = 30 * time.Second

	// okayTime is how long a worker must have been ready for its end to count as the first one.
	okayTime = 10 * time.Second
)

// backoff says how long to wait before the next attempt to start a worker. Its zero value allows the first attempt at
// once.
type backoff struct {
	failures int
}

// failed counts a worker that ended unasked after it was ready for so long, or never, and returns how long to wait.
func (b *backoff) failed(stayedReady time.Duration) time.Duration {
	if stayedReady >= okayTime {
		b.failures = 0
	}
	b.failures++
	if b.failures == 1 {
		return 0
	}
	delay := maxDelay
	if shift := b.failures - 2; shift < 8 {
		delay = min(maxDelay, firstDelay<<shift)
	}
	return delay
}
