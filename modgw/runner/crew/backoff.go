package crew

import "time"

// The delays between two attempts double from FirstDelay to MaxDelay.
const (
	FirstDelay = 250 * time.Millisecond
	MaxDelay   = 30 * time.Second
)

// OkayTime is how long a worker must have been ready for its end to count as the first one.
const OkayTime = 10 * time.Second

// Backoff says how long to wait before the next attempt to start a worker. Its zero value allows the first attempt at
// once.
type Backoff struct {
	failures int
}

// Failed counts a worker that ended unasked after it was ready for so long, or never, and returns how long to wait.
func (b *Backoff) Failed(stayedReady time.Duration) time.Duration {
	if stayedReady >= OkayTime {
		b.failures = 0
	}
	b.failures++
	if b.failures == 1 {
		return 0
	}
	delay := MaxDelay
	if shift := b.failures - 2; shift < 8 {
		delay = min(MaxDelay, FirstDelay<<shift)
	}
	return delay
}
