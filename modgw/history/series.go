package history

import (
	"math"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/meter"
)

// Figures are the known figures of an app at one time. Counts begin at the start of the host.
type Figures struct {
	Time      time.Time             // time when they were read
	Runner    modgw.RunnerStatus    // its workers
	Waiting   int                   // requests that wait for the first generation
	Requests  uint64                // requests that have ended
	Failed    uint64                // requests with a status from 500 on, including refused ones
	Durations meter.Counts          // durations of requests
	Queue     meter.Counts          // waiting times for a worker
	Processor map[int]time.Duration // processor time of the workers by process id
}

// Unit is the unit of the values of a series.
type Unit string

// The units.
const (
	PerSecond Unit = "1/s"
	Seconds   Unit = "s"
	Bytes     Unit = "B"
	Number    Unit = "1"
	Share     Unit = "%" // 1 is 100 %
)

// Series describes one line of a plot.
type Series struct {
	Name  string `json:"name"`  // unique
	Title string `json:"title"` // for people
	Plot  string `json:"plot"`  // heading of the plot that shows it
	Unit  Unit   `json:"unit"`  // unit of the values, one for each plot
}

// definition is a series, and the function that computes its values.
type definition struct {
	Series
	// value returns the current value, or the value between before and now; NaN: unknown.
	value func(before, now *Figures) float64
}

// farAway is the ratio of an app's capacity to its requests above which the capacity is not drawn.
const farAway = 20

// definitions lists all series in the order in which they are shown. Add new figures here.
var definitions = []definition{
	{Series{"requests", "requests", "Requests", PerSecond}, func(before, now *Figures) float64 {
		return perSecond(before, now, float64(now.Requests-before.Requests))
	}},
	{Series{"errors", "answered with 500 or more", "Requests", PerSecond}, func(before, now *Figures) float64 {
		return perSecond(before, now, float64(now.Failed-before.Failed))
	}},
	{Series{"p50", "half of them", "Duration", Seconds}, quantile(0.5, durations)},
	{Series{"p95", "95 of 100", "Duration", Seconds}, quantile(0.95, durations)},
	{Series{"p99", "99 of 100", "Duration", Seconds}, quantile(0.99, durations)},
	{Series{"queue95", "95 of 100", "Wait for a worker", Seconds}, quantile(0.95, queue)},
	{Series{"busy", "executed", "Requests in the app", Number}, func(_, now *Figures) float64 {
		return float64(now.Runner.Busy)
	}},
	{Series{"queued", "waiting", "Requests in the app", Number}, func(_, now *Figures) float64 {
		return float64(now.Waiting + now.Runner.Queued)
	}},
	{Series{"capacity", "room for", "Requests in the app", Number}, func(_, now *Figures) float64 {
		r := now.Runner
		if r.Capacity == 0 || r.Capacity > farAway*max(1, r.Busy+r.Queued) {
			return unknown // on its scale the requests would lie on the axis
		}
		return float64(r.Capacity)
	}},
	{Series{"processor", "processors used", "Processor", Share}, func(before, now *Figures) float64 {
		var used time.Duration
		for pid, total := range now.Processor {
			if earlier, ok := before.Processor[pid]; ok {
				used += max(0, total-earlier)
			}
		}
		return perSecond(before, now, used.Seconds())
	}},
	{Series{"memory", "resident, all workers", "Memory", Bytes}, func(_, now *Figures) float64 {
		var total int64
		for _, w := range now.Runner.Workers {
			total += w.Memory
		}
		if total == 0 {
			return unknown
		}
		return float64(total)
	}},
	{Series{"gc", "paused, of each worker", "Garbage collection", Share}, func(before, now *Figures) float64 {
		p, workers := pauses(before, now, func(s *modgw.InterpreterStatus) *modgw.Pauses { return s.GC })
		return perSecond(before, now, p.Seconds) / float64(workers)
	}},
	{Series{"gil", "for the interpreter lock", "Waits in Python, on average", Seconds}, meanPause(
		func(s *modgw.InterpreterStatus) *modgw.Pauses { return s.GIL })},
	{Series{"loop", "for the event loop", "Waits in Python, on average", Seconds}, meanPause(
		func(s *modgw.InterpreterStatus) *modgw.Pauses { return s.Loop })},
}

// AllSeries returns all series in the order in which they are shown.
func AllSeries() []Series {
	all := make([]Series, len(definitions))
	for i, d := range definitions {
		all[i] = d.Series
	}
	return all
}

// unknown is the value if no value is known.
var unknown = math.NaN()

func perSecond(before, now *Figures, amount float64) float64 {
	seconds := now.Time.Sub(before.Time).Seconds()
	if seconds <= 0 || amount < 0 {
		return unknown
	}
	return amount / seconds
}

func durations(f *Figures) meter.Counts { return f.Durations }

func queue(f *Figures) meter.Counts { return f.Queue }

func quantile(share float64, of func(*Figures) meter.Counts) func(before, now *Figures) float64 {
	return func(before, now *Figures) float64 {
		d, ok := of(now).Since(of(before)).Quantile(share)
		if !ok {
			return unknown
		}
		return d.Seconds()
	}
}

// pauses adds up the pauses of all workers between two samples, and counts the workers that measure
// pauses.
func pauses(before, now *Figures, of func(*modgw.InterpreterStatus) *modgw.Pauses) (total modgw.Pauses, workers int) {
	earlier := map[int]modgw.Pauses{}
	for _, w := range before.Runner.Workers {
		if w.Interpreter != nil && of(w.Interpreter) != nil {
			earlier[w.PID] = *of(w.Interpreter)
		}
	}
	for _, w := range now.Runner.Workers {
		if w.Interpreter == nil || of(w.Interpreter) == nil {
			continue
		}
		since := of(w.Interpreter).Since(earlier[w.PID])
		total.Count += since.Count
		total.Seconds += since.Seconds
		workers++
	}
	return total, workers
}

// meanPause returns a function that computes the average length of the pauses between two samples.
func meanPause(of func(*modgw.InterpreterStatus) *modgw.Pauses) func(before, now *Figures) float64 {
	return func(before, now *Figures) float64 {
		p, _ := pauses(before, now, of)
		return p.Seconds / float64(p.Count) // not a number without any
	}
}
