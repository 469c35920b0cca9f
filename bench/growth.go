package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// increase is a number of apps or files with which modgw is started.
type increase struct {
	of    string
	n     int
	start func(*contest.Kit, context.Context, string, int) (*contest.Running, time.Duration, error)
	then  func(*bench, context.Context, *contest.Running, *report.Growth) error
}

func (i increase) String() string { return fmt.Sprintf("growth, %d %s", i.n, i.of) }

func increases(s size) (all []increase) {
	apps, files := []int{1, 1000, 10_000}, []int{100, 10_000, 100_000}
	switch s {
	case smallest:
		apps, files = apps[:1], files[:1]
	case full:
		apps, files = []int{1, 10, 100, 1000, 10_000}, []int{100, 1000, 10_000, 100_000}
	}
	for _, n := range apps {
		all = append(all, increase{"apps", n, (*contest.Kit).Crowd, (*bench).route})
	}
	for _, n := range files {
		all = append(all, increase{"files", n, (*contest.Kit).Forest, (*bench).saveSome})
	}
	return all
}

// grow measures modgw with such a number.
func (b *bench) grow(ctx context.Context, i increase) report.Growth {
	g := report.Growth{Of: i.of, N: i.n}
	if err := b.growTo(ctx, i, &g); err != nil {
		g.Failed = err.Error()
	}
	fmt.Fprintf(b.log, "%-24s start %5.0f ms  memory %5.1f MiB  idle %4.0f µs/s %4.1f wake-ups/s  request %4.0f µs  saved %4.0f ms  %s\n",
		i, g.Start, float64(g.Memory)/mib, g.IdleCPU, g.Wakeups, g.Request, g.Saved, g.Failed)
	return g
}

func (b *bench) growTo(ctx context.Context, i increase, g *report.Growth) error {
	running, start, err := i.start(b.kit, ctx, b.dir, i.n)
	if err != nil {
		return err
	}
	defer running.Stop()
	g.Start = microseconds(start) / 1000
	if g.Busy, err = settled(ctx, running); err != nil {
		return err
	}
	idleTime := 5 * b.window
	if i.of == "apps" {
		pause(ctx, b.rest) // their memory is compared
	}
	cpu, wakeups := running.CPU()[contest.HostRole], running.Wakeups()
	pause(ctx, idleTime)
	g.IdleCPU = microseconds(running.CPU()[contest.HostRole]-cpu) / idleTime.Seconds()
	g.Wakeups = float64(running.Wakeups()-wakeups) / idleTime.Seconds()
	g.Memory = running.Memory()[contest.HostRole]
	return i.then(b, ctx, running, g)
}

// restTime is longer than the time that the host waits, after its last garbage collection, before
// it returns memory.
const restTime = 12 * time.Second

// settled waits until the host is idle. It returns the milliseconds for which it was busy.
func settled(ctx context.Context, running *contest.Running) (float64, error) {
	const quiet = 500 * time.Millisecond
	began := time.Now()
	for last := time.Duration(-1); ; {
		used := running.CPU()[contest.HostRole]
		if used == last {
			return microseconds(max(0, time.Since(began)-quiet)) / 1000, nil
		}
		if last = used; time.Since(began) > time.Minute {
			return 0, errors.New("the host is not idle a minute after its start")
		}
		pause(ctx, quiet)
	}
}

// routings is the number of measurements of the cost of a request.
const routings = 5

// route measures the cost of a request to one app among many.
func (b *bench) route(ctx context.Context, running *contest.Running, g *report.Growth) error {
	var costs []float64
	for range routings {
		cost, err := b.routeOnce(ctx, running)
		if err != nil {
			return err
		}
		costs = append(costs, cost)
	}
	g.Request = report.Median(costs)
	return nil
}

// routeOnce returns the host's CPU time per answer in microseconds, or 0 if there were no answers.
func (b *bench) routeOnce(ctx context.Context, running *contest.Running) (cost float64, err error) {
	job := load.Job{
		Address: running.Address, Protocol: load.HTTP, Path: "/0/", Length: hello.length, Connections: 8,
		Warmup: 2 * b.window, Duration: b.window,
	}
	var before, after time.Duration
	result, err := load.Run(ctx, job, load.Watch{
		Begun: func() { before = running.CPU()[contest.HostRole] },
		Ended: func() { after = running.CPU()[contest.HostRole] },
	})
	if err == nil && result.Answered > 0 {
		cost = microseconds(after-before) / float64(result.Answered)
	}
	return cost, err
}

// saveSome measures the time from saving a file until the new page is served.
func (b *bench) saveSome(ctx context.Context, running *contest.Running, g *report.Growth) error {
	var times []float64
	for version := 2; version < 5; version++ {
		took, err := saved(ctx, running, version)
		if err != nil {
			return err
		}
		times = append(times, took)
		pause(ctx, b.window)
	}
	g.Saved = report.Median(times)
	return nil
}

// saved returns the milliseconds until the page of the new version is served.
func saved(ctx context.Context, running *contest.Running, version int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	began := time.Now()
	if err := contest.Save(running, version); err != nil {
		return 0, err
	}
	if !running.Await(ctx, contest.Page(version), time.Millisecond) {
		return 0, fmt.Errorf("the page of version %d did not come", version)
	}
	return microseconds(time.Since(began)) / 1000, nil
}

// settle is modgw's default wait for further saves.
const settle = 100 * time.Millisecond

// savings measures modgw with sites that are saved again and again.
func (b *bench) savings(ctx context.Context, site contest.Site, times int) (report.Saving, error) {
	s := report.Saving{Site: site.Name, Settle: microseconds(settle) / 1000}
	running, err := b.kit.Start(ctx, b.dir, contest.All()[0], contest.Setting{Site: site, Front: contest.Direct, Workers: 1, Threads: 1})
	if err != nil {
		return s, err
	}
	defer running.Stop()
	for version := 2; version < 2+times; version++ {
		pause(ctx, time.Second) // editors do not save all the time
		took, err := saved(ctx, running, version)
		if err != nil {
			return s, err
		}
		s.Times = append(s.Times, took)
	}
	fmt.Fprintf(b.log, "%-24s saved → new page %4.0f ms (%.0f)\n", site.Name, report.Median(s.Times), s.Times)
	return s, nil
}
