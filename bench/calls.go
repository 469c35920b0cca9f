package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// countCalls counts the system calls of all contestants in a stage, task by task.
func (b *bench) countCalls(ctx context.Context, s stage) (rows []report.Calls) {
	field := b.start(ctx, s.setting)
	defer stopAll(field)
	for _, t := range s.tasks {
		for _, r := range field {
			row, err := b.callsOf(ctx, r, s, t)
			if err != nil {
				row.Failed = err.Error()
			}
			rows = append(rows, row)
			fmt.Fprintf(b.log, "  %s, %s\n", t.name, row)
		}
	}
	return rows
}

// callsOf counts the system calls of one contestant while a client requests a task from it.
func (b *bench) callsOf(ctx context.Context, r *contest.Running, s stage, t task) (report.Calls, error) {
	const counted = 300 * time.Millisecond
	row := report.Calls{Situation: s.situation(t), Contestant: r.Name}
	length, failed := b.length(ctx, r, t)
	if failed != "" {
		return row, errors.New(failed)
	}
	job := b.job(r, t, length)
	job.Duration = 5 * counted // perf needs some time to start
	var (
		counting sync.WaitGroup
		calls    contest.Calls
		cause    error
	)
	result, err := load.Run(ctx, job, load.Watch{Begun: func() {
		counting.Go(func() { calls, cause = r.CountCalls(ctx, counted) })
	}})
	counting.Wait()
	if err == nil {
		err = cause
	}
	if err != nil {
		return row, err
	}
	answers := float64(result.Between(calls.From, calls.To))
	if answers == 0 {
		return row, errors.New("no answer came while calls were counted")
	}
	row.PerSecond = answers / (calls.To - calls.From).Seconds()
	row.PerAnswer = map[contest.Role]map[string]float64{}
	for role, byName := range calls.Made {
		row.PerAnswer[role] = map[string]float64{}
		for name, made := range byName {
			row.PerAnswer[role][name] = float64(made) / answers
		}
	}
	return row, nil
}
