package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/report"
)

// bench compares contestants.
type bench struct {
	dir         string // for everything that is written meanwhile
	kit         *contest.Kit
	contestants []contest.Contestant
	reloaders   []contest.Reloader
	client      int  // number, from 1, of the processor reserved for the client; 0: none
	everything  bool // includes rows that differ little from others
	often       int  // number of rounds, unless the task asks for another
	warmup      time.Duration
	window      time.Duration
	rest        time.Duration // idle time of the host before it counts as idle
	log         io.Writer
}

// run starts all contestants of a stage and measures them in turn, task by task and round by round.
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

// start starts all contestants that serve in a setting.
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

// compare measures all contestants in turn with a task, in several rounds.
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

// length returns the length of a right answer. A contestant that gives none is left out of the
// task.
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
