package scaling

import (
	"time"

	"github.com/modgw/modgw/modgw"
)

// countTime is the period for which figures count requests and processor time.
const countTime = time.Second

// reading is a measurement of an app at one time.
type reading struct {
	at       time.Time
	finished int64                 // requests that were answered
	inside   int                   // requests that workers have or that wait
	busy     int                   // requests that workers have
	used     map[int]time.Duration // processor time of its workers, by process
}

// need is the number of workers that an app needed at one time.
type need struct {
	at      time.Time
	workers int
}

// history holds the recent readings and needs of a generation.
type history struct {
	ready    int       // workers when the readings began
	readings []reading // oldest first; counts begin at the first
	needs    []need    // needs during the last HoldTime
}

// figures adds a reading and returns the figures of the app since the first reading.
func (h *history) figures(now time.Time, l modgw.Load, usage func(pid int) time.Duration) Figures {
	f := Figures{
		Scale: l.Scale, Wanted: l.Runner.Wanted, Queued: l.Runner.Queued,
		Places:       max(1, l.Runner.Capacity/max(1, l.Runner.Wanted)),
		OneProcessor: usesOneProcessor(l.Generation),
		MemoryLimit:  l.Generation.Descriptor.Limits.Memory,
	}
	r := reading{
		at: now, finished: l.Runner.Finished, inside: l.Runner.Busy + l.Runner.Queued, busy: l.Runner.Busy,
		used: map[int]time.Duration{},
	}
	for _, w := range l.Runner.Workers {
		if w.State != "ready" {
			continue
		}
		f.Ready++
		f.Memory += w.Memory
		r.used[w.PID] = usage(w.PID)
	}
	f.Memory /= int64(max(1, f.Ready))
	if f.Ready != h.ready || h.needs == nil {
		h.ready, h.readings = f.Ready, nil
	}
	if h.needs == nil {
		h.needs = []need{{now, f.Wanted}} // workers from before are not removed at once
	}
	h.readings = append(h.readings, r)
	for len(h.readings) > 2 && now.Sub(h.readings[1].at) >= countTime {
		h.readings = h.readings[1:]
	}
	h.count(&f)
	if f.isKnown() {
		h.needs = append(h.needs, need{now, Need(f)})
	}
	for len(h.needs) > 1 && now.Sub(h.needs[0].at) > HoldTime {
		h.needs = h.needs[1:]
	}
	for _, n := range h.needs {
		f.Peak = max(f.Peak, n.workers)
	}
	return f
}

// count sets the figures that are counted since the first reading.
func (h *history) count(f *Figures) {
	first, last := h.readings[0], h.readings[len(h.readings)-1]
	f.Span = last.at.Sub(first.at)
	if f.Span <= 0 {
		f.Busy = float64(last.busy)
		return
	}
	f.Finished = int(last.finished - first.finished)
	f.Arrived = max(0, f.Finished+last.inside-first.inside)
	for _, r := range h.readings[1:] {
		f.Busy += float64(r.busy) / float64(len(h.readings)-1)
	}
	var used time.Duration
	for pid, after := range last.used {
		if before, there := first.used[pid]; there {
			used += after - before
		}
	}
	f.CPU = used.Seconds() / f.Span.Seconds()
}

// usesOneProcessor reports whether each worker of a generation computes on one processor at a time.
func usesOneProcessor(g *modgw.Generation) bool {
	switch g.Descriptor.Kind {
	case modgw.KindWSGI, modgw.KindASGI:
		return g.Environment == nil || !g.Environment.FreeThreaded
	case modgw.KindHTTP: // as Node.js, Ruby and Python do
		return true
	}
	return false
}
