package workers

import "time"

// The delays between two attempts double from firstDelay to maxDelay.
const (
	firstDelay = 250 * time.Millisecond
	maxDelay   = 30 * time.Second
)

// settledTime is how long a worker without requests must have been ready to count as working.
const settledTime = time.Second

// backoff computes the delay before the next attempt to start a worker. Its zero value allows the
// first attempt at once.
type backoff struct {
	failures int
}

// Failed counts a worker that did not work, and returns how long to wait.
func (b *backoff) Failed() time.Duration {
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

// Worked forgets the failures: a worker has worked.
func (b *backoff) Worked() { b.failures = 0 }
