package workers

import "time"

// The delays between two attempts double from FirstDelay to MaxDelay.
const (
	FirstDelay = 250 * time.Millisecond
	MaxDelay   = 30 * time.Second
)

// SettledTime is how long a worker without requests must have been ready to count as working.
const SettledTime = time.Second

// Backoff computes the delay before the next attempt to start a worker. Its zero value allows the
// first attempt at once.
type Backoff struct {
	failures int
}

// Failed counts a worker that did not work, and returns how long to wait.
func (b *Backoff) Failed() time.Duration {
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

// Worked forgets the failures: a worker has worked.
func (b *Backoff) Worked() { b.failures = 0 }
