package main

import (
	"context"
	"fmt"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// The difference is small compared with the noise of the machine. So modgw is measured with and
// without counting in turn, in short and frequent turns: meteringPairs pairs for each round of the
// others, each for one meteringPart-th of their window.
const (
	meteringPairs = 40
	meteringPart  = 4
)

// metered returns the stages that measure the cost of counting and timing requests, each with one
// task.
func (o options) metered() (left []stage) {
	if o.size == smallest {
		return nil
	}
	stages := []stage{
		{contest.Setting{Site: contest.RawWSGI, Front: contest.Direct, Workers: 1, Threads: 8}, hello.with(16)},
		{contest.Setting{Site: contest.RawASGI, Front: contest.Direct, Workers: 1, Threads: 1}, hello.with(16)},
	}
	for _, s := range stages {
		if matches(o.only, meteringName(s)) {
			left = append(left, s)
		}
	}
	return left
}

func meteringName(s stage) string { return "metering, " + s.situation(s.tasks[0]).String() }

// metering measures modgw with and without counting in turn.
func (b *bench) metering(ctx context.Context, s stage) report.Metering {
	m := report.Metering{Situation: s.situation(s.tasks[0])}
	if err := b.measureMetering(ctx, s, &m); err != nil {
		m.Failed = err.Error()
	}
	fmt.Fprintf(b.log, "%s: %s %s\n", meteringName(s), m, m.Failed)
	return m
}

func (b *bench) measureMetering(ctx context.Context, s stage, m *report.Metering) error {
	unmetered, err := b.kit.Unmetered(ctx)
	if err != nil {
		return err
	}
	metered := contest.All()[0]
	var field []*contest.Running
	defer func() { stopAll(field) }()
	for _, c := range []contest.Contestant{metered, unmetered} {
		r, err := b.kit.Start(ctx, b.dir, c, s.setting)
		if err != nil {
			return err
		}
		field = append(field, r)
	}
	for pair := range meteringPairs * b.often {
		var costs [2]float64
		for turn := range costs {
			who := (pair + turn) % len(costs) // neither is always the first
			if costs[who], err = b.executed(ctx, field[who], s.tasks[0]); err != nil {
				return err
			}
		}
		if costs[0] > 0 && costs[1] > 0 {
			m.With, m.Without = append(m.With, costs[0]), append(m.Without, costs[1])
		}
	}
	return nil
}

// executed returns the microseconds of CPU time of host and workers for an answer; 0: on a busy
// machine there was none.
func (b *bench) executed(ctx context.Context, r *contest.Running, t task) (float64, error) {
	var before, after time.Duration
	job := b.job(r, t, t.length)
	job.Warmup, job.Duration = job.Warmup/meteringPart, job.Duration/meteringPart
	result, err := load.Run(ctx, job, load.Watch{
		Begun: func() { before = r.Executed() },
		Ended: func() { after = r.Executed() },
	})
	if err == nil && result.Failed() > 0 {
		err = fmt.Errorf("not all requests were answered: %v", result.Errors)
	}
	if err != nil || result.Answered == 0 {
		return 0, err
	}
	return microseconds(after-before) / float64(result.Answered), nil
}
