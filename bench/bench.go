package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// bench compares contestants.
type bench struct {
	dir         string // for everything that is written meanwhile
	kit         *contest.Kit
	contestants []contest.Contestant
	reloaders   []contest.Reloader
	client      int  // the processor that the client has for itself, from 1; 0: none
	everything  bool // rows too that differ little from others
	often       int  // how many rounds there are, if nothing else is said
	warmup      time.Duration
	window      time.Duration
	rest        time.Duration // how long the host is left alone before it counts as idle
	log         io.Writer
}

// run starts everybody in a stage and asks them in turn, task by task and round by round.
func (b *bench) run(ctx context.Context, s stage) (rows []report.Row, err error) {
	field := b.start(ctx, s.setting)
	defer stopAll(field)
	for _, t := range s.tasks {
		compared, err := b.compare(ctx, s, t, field)
		rows = append(rows, compared...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// start starts everybody who serves in a setting.
func (b *bench) start(ctx context.Context, s contest.Setting) (field []*contest.Running) {
	fmt.Fprintf(b.log, "%s\n", s)
	for _, c := range b.contestants {
		if !c.Serves(s) {
			continue
		}
		r, err := b.kit.Start(ctx, b.dir, c, s)
		if err != nil {
			fmt.Fprintf(b.log, "  %s is left out: %v\n", c.Name, err)
			continue
		}
		field = append(field, r)
	}
	return field
}

func stopAll(field []*contest.Running) {
	for _, r := range field {
		r.Stop()
	}
}

// compare asks all in turn for a task, in several rounds.
func (b *bench) compare(ctx context.Context, s stage, t task, field []*contest.Running) (rows []report.Row, err error) {
	measured := make([]measured, len(field))
	lengths := make([]int64, len(field))
	for n, r := range field {
		if lengths[n], measured[n].failed = b.length(ctx, r, t); measured[n].failed != "" {
			fmt.Fprintf(b.log, "  %s, %s: %s\n", t.name, r.Name, measured[n].failed)
		}
	}
	for round := range b.rounds(t) {
		for n, r := range field {
			if measured[n].failed != "" {
				continue
			}
			if err := measured[n].measure(ctx, r, t, b.job(r, t, lengths[n])); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				measured[n].failed = err.Error()
				fmt.Fprintf(b.log, "  %s, %s, round %d: %v\n", t.name, r.Name, round+1, err)
			}
		}
	}
	var ours []float64
	for n, r := range field {
		row := measured[n].row(s.situation(t), r)
		row.Body = t.body()
		if r.Name == contest.Ours {
			ours = row.Rounds
		}
		row.Ratio = medianRatio(ours, row.Rounds)
		rows = append(rows, row)
		fmt.Fprintf(b.log, "  %-36s %4d  %-24s %9.0f/s  %4.0f µs CPU  p99 %7.2f ms  %5.2f  %s\n",
			t.name, t.connections, r.Name, row.PerSecond, row.TotalCPU(), row.Latency.P99/1000, row.Ratio, problems(row))
	}
	return rows, nil
}

func problems(row report.Row) string {
	var all []string
	for what, times := range row.Errors {
		all = append(all, fmt.Sprintf("%d× %s", times, what))
	}
	slices.Sort(all)
	return strings.Join(append(all, row.Failed), " ")
}

// length is how long a right answer is. A contestant that does not give one is left out of a task.
func (b *bench) length(ctx context.Context, r *contest.Running, t task) (length int64, failed string) {
	if t.length > 0 || t.protocol != "" {
		return t.length, ""
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Address+t.path, nil)
	if err != nil {
		return 0, err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	length, err = io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, fmt.Sprintf("%s %v", response.Status, err)
	}
	return length, ""
}

// measured is what the rounds have brought of one contestant and task.
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

// distribution has points for 50 %, 71 %, 84 %, 91 %, 95 % and so on.
func distribution(h load.Histogram) (points [][2]float64) {
	for digits := math.Log10(2); digits <= math.Log10(float64(h.N)); digits += 0.25 {
		points = append(points, [2]float64{digits, microseconds(h.Quantile(1-math.Pow(10, -digits))) / 1000})
	}
	return points
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// medianRatio compares what was measured at about the same time; 0: there is nothing to compare.
func medianRatio(ours, theirs []float64) float64 {
	var ratios []float64
	for n := range min(len(ours), len(theirs)) {
		if theirs[n] > 0 {
			ratios = append(ratios, ours[n]/theirs[n])
		}
	}
	return report.Median(ratios)
}

// workFolder is a temporary folder that Apache's user may enter.
func workFolder() (string, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}
