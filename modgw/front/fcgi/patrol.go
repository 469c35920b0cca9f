package fcgi

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// patrol looks after the times that connections note down: when another goroutine should take the lead, and when a read
// or write has lasted too long.
type patrol struct {
	each    func(func(connection))
	started time.Time // the zero of the patrol's clock
	wake    chan struct{}
	until   atomic.Int64 // when the patrol looks next; never: not before it is woken
}

const (
	never = math.MaxInt64

	// round is the time between two looks while there is something to look after.
	round = 5 * time.Millisecond

	// quietRounds is how many times the patrol looks in vain before it sleeps: sleeping and being woken for each of many
	// requests would cost more than looking.
	quietRounds = 20
)

func newPatrol(each func(func(connection))) *patrol {
	p := &patrol{each: each, started: time.Now(), wake: make(chan struct{}, 1)}
	p.until.Store(never)
	return p
}

// now reads the patrol's clock, which is monotonic and fits into an atomic: nanoseconds, never 0.
func (p *patrol) now() int64 { return int64(time.Since(p.started)) + 1 }

// after is the time that is d from now.
func (p *patrol) after(d time.Duration) int64 { return p.now() + int64(d) }

// note makes sure that the patrol looks soon after due.
func (p *patrol) note(due int64) {
	if due >= p.until.Load() {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *patrol) run(ctx context.Context) {
	timer := time.NewTimer(never)
	defer timer.Stop()
	for quiet := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			quiet = 0
		case <-timer.C:
		}
		next := p.look()
		if next < p.after(time.Second) {
			quiet = 0
		} else {
			quiet++
		}
		if quiet < quietRounds {
			next = p.after(round)
		}
		p.until.Store(next)
		if quiet >= quietRounds {
			next = min(next, p.look()) // what was noted while until still said that a look was near
		}
		timer.Reset(time.Duration(max(next-p.now(), int64(round))))
	}
}

// look does what is due and returns when something will be.
func (p *patrol) look() (next int64) {
	next = never
	now := p.now()
	p.each(func(c connection) { next = min(next, c.look(now)) })
	return next
}
