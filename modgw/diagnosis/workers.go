package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
)

// manyRestarts is the number of ended workers from which on it is a crash loop.
const manyRestarts = 3

// outOfMemoryHint is the hint for an app that lacks memory.
const outOfMemoryHint = "raise limits { memory }, lower workers, or let recycle { memory } replace workers before"

func outOfMemory(a *App) *Diagnosis {
	c := a.Runner.Crash
	if c != nil && a.Now.Sub(c.Time) <= recent && strings.Contains(c.Reason, "out of memory") {
		return &Diagnosis{"out_of_memory", Critical,
			fmt.Sprintf("the kernel ended worker %d for want of memory at %s: %s", c.Worker, clock(c.Time), c.Reason), outOfMemoryHint}
	}
	n := a.endsSince(recent)
	if n == 0 || !strings.Contains(a.WorkerEnd, "MemoryError") && !strings.Contains(a.WorkerEnd, "out of memory") {
		return nil
	}
	return &Diagnosis{"out_of_memory", Critical, fmt.Sprintf("workers of generation %d ended %d times, the last one at %s for want of memory: %s",
		a.Generation.Number, n, clock(a.WorkerEnds[len(a.WorkerEnds)-1]), oneLine(a.WorkerEnd)), outOfMemoryHint}
}

func crashLoop(a *App) *Diagnosis {
	lately := a.endsSince(window)
	down := 0
	for _, w := range a.Runner.Workers {
		// A worker that starts may also replace one that was recycled.
		if w.State == "backoff" || w.State == "starting" && lately > 0 {
			down++
		}
	}
	ends := max(a.Runner.Restarts, a.endsSince(recent))
	if a.Generation == nil || ends < manyRestarts || down == 0 && max(lately, a.restartsLately()) < manyRestarts {
		return nil
	}
	d := &Diagnosis{"crash_loop", Warning,
		fmt.Sprintf("crash loop: workers of generation %d ended or did not start %d times", a.Generation.Number, ends),
		fmt.Sprintf("modgw-host logs %s shows what they printed last", a.App)}
	if down > 0 {
		d.Sentence += fmt.Sprintf(", %d of %d are down", down, len(a.Runner.Workers))
	}
	if down == len(a.Runner.Workers) {
		d.Severity = Critical
	}
	if a.WorkerEnd != "" {
		d.Sentence += "; the last one: " + oneLine(a.WorkerEnd)
	}
	return d
}

// endsSince returns the number of workers of the generation that ended, or could not start, in the
// last time d, as far as is known.
func (a *App) endsSince(d time.Duration) (n int) {
	for _, t := range a.WorkerEnds {
		if a.Generation != nil && t.After(a.Generation.Ready) && a.Now.Sub(t) < d {
			n++
		}
	}
	return n
}

// restartsLately returns the number of workers of the generation that ended in the last minute, as
// far as is known.
func (a *App) restartsLately() int {
	if a.Now.Sub(a.Generation.Ready) < window {
		return a.Runner.Restarts
	}
	base, ok := a.base()
	if !ok || base.Generation != a.Generation.Number {
		return 0
	}
	return a.Runner.Restarts - base.Restarts
}

func workerCrashed(a *App) *Diagnosis {
	c := a.Runner.Crash
	if c == nil || a.Now.Sub(c.Time) > recent {
		return nil
	}
	d := &Diagnosis{"worker_crashed", Warning,
		fmt.Sprintf("worker %d crashed at %s: %s", c.Worker, clock(c.Time), c.Reason), ""}
	if len(c.Requests) > 0 {
		r := c.Requests[0]
		d.Sentence += fmt.Sprintf(", with %s %s", r.Method, r.Path)
		d.Hint = "modgw-host logs --id " + r.Request
	}
	return d
}

// threaded reports whether one worker can execute several requests, but one processor at most.
func (a *App) threaded() bool { return a.Kind == modgw.KindWSGI || a.Kind == modgw.KindASGI }
