package scaling

import (
	"math"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Figures hold the recent load of an app, and the workers that handled it.
type Figures struct {
	Scale modgw.Scale // bounds of the number of workers

	Wanted int // intended number of workers
	Ready  int // workers that accept requests
	Places int // requests that one of them may have at once; never 0

	Span     time.Duration // period in which the following figures were counted
	Arrived  int           // requests that arrived and were not refused
	Finished int           // requests that were answered
	Busy     float64       // requests that workers had at once, on average
	CPU      float64       // processors that the workers used; 0.5: half of one

	Queued int // requests that wait for a worker now

	// OneProcessor means that a worker computes on one processor at a time, as Python does.
	OneProcessor bool

	Memory      int64 // bytes of a worker, on average; 0: unknown
	MemoryLimit int64 // bytes that all of them may have; 0: no limit

	Peak int // largest need of the last HoldTime; 0: unknown
}

// HoldTime is the time for which an app keeps workers that it needed, so that their number does not
// follow each gap between requests.
const HoldTime = 30 * time.Second

const (
	// patience is the longest acceptable wait of a request for a worker.
	patience = 100 * time.Millisecond

	// clearTime is the time in which the new number of workers should answer the waiting requests.
	clearTime = 2 * time.Second

	// usualUse is the share of the workers' capacity that is used if the number is right. From
	// fullUse on, there are too few workers. In between, the number stays the same.
	usualUse = 0.7
	fullUse  = 0.9

	// queuedUse replaces usualUse when requests wait: the rates are then known more precisely.
	queuedUse = 0.8

	// mostGrowth is the largest factor by which one decision may increase the workers.
	mostGrowth = 4
)

// Need returns the number of workers that the app needs according to its figures, regardless of its
// scale.
func Need(f Figures) int {
	switch {
	case !f.isKnown():
		return f.Wanted
	case f.isLate() && f.Ready < f.Wanted:
		return f.Wanted // more of them will be ready soon
	case f.isLate():
		return min(max(f.needOfQueue(), f.Ready+1), mostGrowth*f.Ready)
	}
	use := f.use()
	n := max(1, int(math.Ceil(float64(f.Ready)*use/usualUse)))
	if use < fullUse || f.Ready < f.Wanted {
		return min(n, f.Wanted)
	}
	return n
}

// isKnown reports whether figures were counted from which the need can be computed.
func (f Figures) isKnown() bool { return f.Ready > 0 && f.Span > 0 }

// isLate reports whether requests wait too long for a worker.
func (f Figures) isLate() bool {
	if f.Queued == 0 {
		return false
	}
	// A queue is worked off at the rate of answers.
	wait := f.Span
	if f.Finished > 0 {
		wait = f.Span * time.Duration(f.Queued) / time.Duration(f.Finished)
	}
	return wait >= patience
}

// needOfQueue returns the number of workers that answer requests as fast as they arrive, and the
// waiting requests within clearTime. Workers with waiting requests show how many they can answer.
func (f Figures) needOfQueue() int {
	if f.Finished == 0 {
		return int(math.Ceil(float64(f.Ready) * (f.Busy + float64(f.Queued)) / max(1, f.Busy)))
	}
	coming := float64(f.Arrived) + float64(f.Queued)*float64(f.Span)/float64(clearTime)
	return int(math.Ceil(float64(f.Ready) * coming / float64(f.Finished) / queuedUse))
}

// use returns the share of the workers' capacity that was used; 1 is all of it.
func (f Figures) use() float64 {
	use := f.Busy / float64(f.Ready*f.Places)
	if f.OneProcessor {
		use = max(use, f.CPU/float64(f.Ready))
	}
	return use
}
