package top

import (
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
)

// Row has the figures of one app between two snapshots.
type Row struct {
	App        modgw.AppName  `json:"app"`        // name of the app
	State      modgw.AppState `json:"state"`      // effect on requests
	Generation int            `json:"generation"` // its number; 0: none

	Rate   float64  `json:"requestsPerSecond"` // requests that ended
	Errors float64  `json:"errorsPerSecond"`   // those with a status from 500 on
	Median *float64 `json:"median"`            // seconds of a request; null: none ended
	P95    *float64 `json:"p95"`               // seconds that one of twenty took longer

	InFlight int `json:"inFlight"` // requests that the app has
	Queued   int `json:"queued"`   // requests that wait for a worker
	Busy     int `json:"busy"`     // requests that workers execute
	Capacity int `json:"capacity"` // requests that workers could execute at once

	Workers   int     `json:"workers"`   // all of them
	Processor float64 `json:"processor"` // processors that they use; 0.5: half of one
	Memory    int64   `json:"memory"`    // bytes of their memory; 0: unknown

	// why the app is not well; null: nothing is known
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis"`

	status control.AppStatus
}

// Rows has a row for each app of the second snapshot, in its order.
func Rows(before, after Snapshot) []Row {
	seconds := after.Time.Sub(before.Time).Seconds()
	rows := make([]Row, 0, len(after.Status.Apps))
	for _, a := range after.Status.Apps {
		r := Row{
			App: a.App, State: a.State, Queued: a.Waiting + a.Runner.Queued, InFlight: a.Waiting, Busy: a.Runner.Busy,
			Capacity: a.Runner.Capacity, Workers: len(a.Runner.Workers), Diagnosis: a.Diagnosis, status: a,
		}
		if g := a.Generation; g != nil {
			r.Generation = g.Number
			r.InFlight += g.InFlight
		}
		for _, d := range a.Draining {
			r.InFlight += d.InFlight
		}
		now, then := after.counts[a.App], before.counts[a.App]
		if now != nil {
			r.Memory = int64(now.memory)
		}
		if now != nil && then != nil && seconds > 0 {
			r.Rate, r.Errors = rate(then.requests, now.requests, seconds), rate(then.failed, now.failed, seconds)
			r.Median, r.P95 = quantile(0.5, then.durations, now.durations), quantile(0.95, then.durations, now.durations)
			for worker, used := range now.processor {
				if earlier, ok := then.processor[worker]; ok {
					r.Processor += rate(earlier, used, seconds)
				}
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// rate returns the growth of a counter per second. A counter that was reset has not grown.
func rate(before, after, seconds float64) float64 { return max(0, after-before) / seconds }

// quantile is the duration that a share of the requests between two readings of a histogram did
// not exceed, taken to lie evenly in their bucket; nil: none ended within the last bound.
func quantile(share float64, before, after []bucket) *float64 {
	if len(before) != len(after) {
		before = make([]bucket, len(after))
	}
	if len(after) == 0 {
		return nil
	}
	last := len(after) - 1
	total := after[last].count - before[last].count
	if total <= 0 {
		return nil
	}
	lower, counted := 0.0, 0.0
	for i, b := range after {
		count := b.count - before[i].count
		if count >= share*total && count > counted {
			value := lower + (b.bound-lower)*(share*total-counted)/(count-counted)
			return &value
		}
		lower, counted = b.bound, count
	}
	return &lower
}
