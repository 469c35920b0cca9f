package scaling

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// hurry is the time between two decisions while requests wait or workers start.
	hurry = 250 * time.Millisecond

	// ease is the time between two decisions otherwise.
	ease = time.Second
)

// Config configures a Controller. All fields are required.
type Config struct {
	// Loads returns the loads of the apps whose number of workers varies.
	Loads func() []modgw.Load

	Resize func(l modgw.Load, workers int, held string) // carries out a decision
	Usage  func(pid int) time.Duration                  // total processor time of a process
	Log    *slog.Logger                                 // receives the decisions
}

// Controller decides on the number of workers of all apps. Create it with [New].
type Controller struct {
	config Config
	awake  atomic.Bool   // it looks at the apps periodically
	wake   chan struct{} // has an element to wake the controller
	meter  meter
	known  map[*modgw.Generation]*history // used by Run only
}

// New returns a controller. It starts no goroutines.
func New(c Config) *Controller {
	return &Controller{config: c, wake: make(chan struct{}, 1), known: map[*modgw.Generation]*history{}}
}

// Crowded informs the controller that requests of an app wait for a worker, or that an app may have
// more workers than it needs. It is cheap and does not block.
func (c *Controller) Crowded() {
	if c.awake.Load() {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default: // it is about to wake up
	}
}

// Run makes decisions until ctx is done. It sleeps while no app has more than its minimum of
// workers and no requests wait.
func (c *Controller) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
		c.awake.Store(true)
		pause := c.decide(time.Now())
		if pause == 0 {
			// Requests may have begun to wait meanwhile: Crowded ignores them while awake is set.
			c.awake.Store(false)
			pause = c.decide(time.Now())
		}
		timer.Stop()
		if pause > 0 {
			c.awake.Store(true)
			timer.Reset(pause)
		}
	}
}

// decide makes one set of decisions. It returns the pause before the next one; 0: until an app is
// crowded.
func (c *Controller) decide(now time.Time) time.Duration {
	loads := c.config.Loads()
	machine := c.meter.read(now)
	apps := make([]Figures, len(loads))
	pause := time.Duration(0)
	seen := make(map[*modgw.Generation]bool, len(loads))
	for i, l := range loads {
		seen[l.Generation] = true
		h := c.known[l.Generation]
		if h == nil {
			h = &history{}
			c.known[l.Generation] = h
		}
		apps[i] = h.figures(now, l, c.config.Usage)
		pause = sooner(pause, apps[i].pause())
	}
	for g := range c.known {
		if !seen[g] || pause == 0 {
			delete(c.known, g)
		}
	}
	for i, d := range Decide(machine, apps) {
		if was := apps[i].Wanted; d.Workers != was {
			c.config.Log.Info("workers scaled", "app", loads[i].App, "from", was, "to", d.Workers,
				"queued", apps[i].Queued, "busy", loads[i].Runner.Busy, "held", d.Held)
			pause = sooner(pause, hurry)
		}
		c.config.Resize(loads[i], d.Workers, d.Held)
	}
	return pause
}

// crowd is the number of requests per worker from which on an app without a queue is watched.
const crowd = 4

// pause returns the pause before the next look at an app; 0: until it is crowded.
func (f Figures) pause() time.Duration {
	switch {
	case f.Queued > 0, f.Wanted > f.Scale.Min && f.Ready != f.Wanted:
		return hurry
	case f.Wanted > f.Scale.Min, f.Peak > f.Scale.Min, f.Busy >= float64(crowd*f.Ready):
		return ease
	}
	return 0
}

// sooner returns the shorter of two pauses, where 0 means none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
