package fcgi

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// deadlines watches the times that connections on goroutines note: when another goroutine should
// take the lead, and when a read or write has lasted too long.
type deadlines struct {
	started time.Time // zero of the clock
	wake    chan struct{}
	until   atomic.Int64 // time of the next look; never: not before it is woken

	mu    sync.Mutex
	conns map[*conn]struct{}
}

const (
	never = math.MaxInt64

	// interval is the time between two looks while a time is near.
	interval = 5 * time.Millisecond

	// quietLooks is how many looks find nothing due before deadlines sleeps: sleeping and being
	// woken for each of many requests would cost more than looking.
	quietLooks = 20
)

func newDeadlines() *deadlines {
	d := &deadlines{started: time.Now(), wake: make(chan struct{}, 1), conns: map[*conn]struct{}{}}
	d.until.Store(never)
	return d
}

// add begins to watch a connection.
func (d *deadlines) add(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[c] = struct{}{}
}

// remove ends that.
func (d *deadlines) remove(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

// now reads the clock, which is monotonic and fits into an atomic: nanoseconds, never 0.
func (d *deadlines) now() int64 { return int64(time.Since(d.started)) + 1 }

// set stores the time after a duration, and has it watched.
func (d *deadlines) set(at *atomic.Int64, after time.Duration) {
	due := d.now() + int64(after)
	at.Store(due)
	if due >= d.until.Load() {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// watch does what is due until ctx is done.
func (d *deadlines) watch(ctx context.Context) {
	timer := time.NewTimer(never)
	defer timer.Stop()
	for quiet := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			quiet = 0
		case <-timer.C:
		}
		next := d.look()
		if next < d.now()+int64(time.Second) {
			quiet = 0
		} else {
			quiet++
		}
		if quiet < quietLooks {
			next = d.now() + int64(interval)
		}
		d.until.Store(next)
		if quiet >= quietLooks {
			next = min(next, d.look()) // for times noted while until was still near
		}
		timer.Reset(time.Duration(max(next-d.now(), int64(interval))))
	}
}

// look does what is due and returns when something will be.
func (d *deadlines) look() (next int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next = never
	now := d.now()
	for c := range d.conns {
		next = min(next, c.look(now))
	}
	return next
}
