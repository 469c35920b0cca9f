package main

import (
	"context"
	"math"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// measured collects the results of all rounds for one contestant and task.
type measured struct {
	perSecond []float64
	cpu       map[contest.Role][]float64
	client    []float64
	memory    map[contest.Role]int64
	latency   load.Histogram
	requests  int
	errors    map[string]int
	failed    string
}

func (m *measured) measure(ctx context.Context, r *contest.Running, t task, job load.Job) error {
	var before, after map[contest.Role]time.Duration
	result, err := load.Run(ctx, job, load.Watch{
		Begun: func() { before = r.CPU() },
		Ended: func() { after = r.CPU() },
		Over:  func() { m.memory = r.Memory() },
	})
	if err != nil {
		return err
	}
	answers := float64(result.Answered)
	switch {
	case t.length >= mib:
		answers = float64(result.In) / float64(t.length)
	case t.upload > 0:
		answers = float64(result.Out) / float64(t.upload)
	}
	if m.errors == nil {
		m.errors, m.cpu = map[string]int{}, map[contest.Role][]float64{}
	}
	for what, times := range result.Errors {
		m.errors[what] += times
	}
	m.requests += result.Answered
	m.latency.Add(result.Latency)
	m.perSecond = append(m.perSecond, answers/result.Elapsed.Seconds())
	if answers > 0 {
		for role := range after {
			m.cpu[role] = append(m.cpu[role], microseconds(after[role]-before[role])/answers)
		}
		m.client = append(m.client, microseconds(result.CPU)/answers)
	}
	return nil
}

func (m *measured) row(s report.Situation, r *contest.Running) report.Row {
	row := report.Row{Situation: s, Contestant: r.Name, Failed: m.failed}
	if m.failed != "" {
		return row
	}
	row.PerSecond, row.Rounds, row.ClientCPU = report.Median(m.perSecond), m.perSecond, report.Median(m.client)
	row.Requests, row.Errors, row.Memory = m.requests, m.errors, m.memory
	row.CPU = map[contest.Role]float64{}
	for role, rounds := range m.cpu {
		row.CPU[role] = report.Median(rounds)
	}
	row.Latency = latency(m.latency)
	if s.Rate > 0 {
		row.Distribution = distribution(m.latency)
	}
	return row
}

// distribution returns points for 50 %, 71 %, 84 %, 91 %, 95 % and so on.
func distribution(h load.Histogram) (points [][2]float64) {
	for digits := math.Log10(2); digits <= math.Log10(float64(h.N)); digits += 0.25 {
		points = append(points, [2]float64{digits, microseconds(h.Quantile(1-math.Pow(10, -digits))) / 1000})
	}
	return points
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// medianRatio returns the median ratio of measurements made at about the same time; 0 if there are
// none to compare.
func medianRatio(ours, theirs []float64) float64 {
	var ratios []float64
	for n := range min(len(ours), len(theirs)) {
		if theirs[n] > 0 {
			ratios = append(ratios, ours[n]/theirs[n])
		}
	}
	return report.Median(ratios)
}
