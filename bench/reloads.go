package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// incident is an event, and the conditions under which it is measured.
type incident struct {
	event   report.Event
	workers int
	rate    float64 // requests per second during the event
	window  time.Duration
	ours    bool // only for modgw
	// number of times that modgw meets it, because a verdict depends on it; 0: once, as all others
	often int
}

func incidents(s size) []incident {
	all := []incident{
		{event: report.Good, workers: 1, rate: 30, window: 3 * time.Second, ours: true},
		{event: report.Good, workers: 1, rate: 200, window: 3 * time.Second, often: 3},
		{event: report.Good, workers: 4, rate: 30, window: 3 * time.Second, ours: true},
		{event: report.Good, workers: 4, rate: 200, window: 3 * time.Second, often: 3},
		{event: report.BadCode, workers: 4, rate: 200, window: 6 * time.Second},
		{event: report.Killed, workers: 4, rate: 200, window: 2 * time.Second},
		{event: report.InFlight, workers: 4, rate: 200, window: 5 * time.Second},
		{event: report.Dependency, workers: 4, rate: 200, window: 10 * time.Second},
	}
	switch s {
	case smallest:
		return []incident{{event: report.Good, workers: 1, rate: 30, window: time.Second}}
	case full:
		for _, i := range all[4:] {
			i.workers = 1
			all = append(all, i)
		}
	}
	return all
}

func (i incident) String() string {
	return fmt.Sprintf("reload, %s, %d workers, %.0f requests a second", i.event, i.workers, i.rate)
}

// reloads makes all reloaders meet an incident, one after the other.
func (b *bench) reloads(ctx context.Context, i incident) (rows []report.Reload) {
	fmt.Fprintf(b.log, "%s\n", i)
	for _, r := range b.reloaders {
		if ctx.Err() != nil || !b.meets(i, r) {
			continue
		}
		row := report.Reload{Event: i.event, Workers: i.workers, Front: r.Front, Contestant: r.Name, Rate: i.rate}
		if err := b.meet(ctx, i, r, &row); err != nil {
			row.Failed = err.Error()
		}
		rows = append(rows, row)
		fmt.Fprintf(b.log, "  %-24s %4d answered  %3d lost  %3d not 200  added %5.0f ms  new code after %5.0f ms  %s %s\n",
			r.Name, row.Answered, row.Lost, row.Wrong, row.Added(), row.NewCode, row.Long, row.Failed)
	}
	return rows
}

// meets reports whether a reloader can meet an incident, and whether the measurement is worth the
// time.
func (b *bench) meets(i incident, r contest.Reloader) bool {
	switch {
	case r.Workers != nil && !r.Workers(i.workers):
		return false
	case i.event == report.Dependency && !b.everything:
		return r.Ours() // for the others it is the same as good code after pip
	case i.event == report.InFlight && !b.everything:
		return r.Ours() // the others wait for it or cut it off whenever they reload
	}
	return !i.ours || r.Ours()
}

func (b *bench) meet(ctx context.Context, i incident, r contest.Reloader, row *report.Reload) error {
	setting := contest.Setting{Site: r.Site, Front: r.Front, Workers: i.workers, Threads: 4, Dependency: i.event == report.Dependency}
	running, err := b.kit.Start(ctx, b.dir, r.Contestant, setting)
	if err != nil {
		return err
	}
	defer running.Stop()
	job := load.Job{
		Address: running.Address, Protocol: load.HTTP, Path: "/", Length: contest.LedgerLength, Connections: 64, Rate: i.rate,
		Warmup: 300 * time.Millisecond, Duration: 500 * time.Millisecond,
	}
	before, err := load.Run(ctx, job, load.Watch{})
	if err != nil {
		return err
	}
	row.Before = latency(before.Latency)
	var during load.Histogram
	var newCode []float64
	for n := range i.times(r) {
		result, err := b.meetOnce(ctx, i, r, running, job, row, 2+n)
		if err != nil {
			return err
		}
		book(row, result)
		during.Add(result.Latency)
		newCode = append(newCode, row.NewCode)
	}
	row.During, row.NewCode = latency(during), report.Median(newCode)
	if i.event == report.BadCode && r.Ours() {
		row.Told, row.Placed = running.Told("generation not started"), running.Told("page.py:1)")
	}
	return nil
}

// times returns how often a reloader meets an incident.
func (i incident) times(r contest.Reloader) int {
	if r.Ours() {
		return max(1, i.often)
	}
	return 1
}

// meetOnce causes the event, with code of this version, while requests arrive.
func (b *bench) meetOnce(
	ctx context.Context, i incident, r contest.Reloader, running *contest.Running, job load.Job, row *report.Reload, version int,
) (load.Result, error) {
	var (
		happening sync.WaitGroup
		cause     error
	)
	job.Duration, row.NewCode = i.window, 0
	result, err := load.Run(ctx, job, load.Watch{Begun: func() {
		happening.Go(func() { cause = happen(ctx, i, r, running, row, version) })
	}})
	happening.Wait()
	if err == nil {
		err = cause
	}
	return result, err
}

// book adds the results of a client to a row.
func book(row *report.Reload, result load.Result) {
	row.Answered += result.Answered
	row.Slowest = append(row.Slowest, microseconds(result.Latency.Slow))
	for what, times := range result.Errors {
		if strings.HasPrefix(what, "status ") {
			row.Wrong += times
		} else {
			row.Lost += times
		}
	}
}

// happen causes the event, and waits for the new code as long as requests arrive.
func happen(ctx context.Context, i incident, r contest.Reloader, running *contest.Running, row *report.Reload, version int) error {
	ctx, cancel := context.WithTimeout(ctx, i.window)
	defer cancel()
	var long sync.WaitGroup
	defer long.Wait()
	var err error
	began := time.Now()
	switch i.event {
	case report.Killed:
		return running.KillWorker()
	case report.Dependency:
		err = r.ChangeDependency(ctx, running, version)
	case report.BadCode:
		if err = r.Reload(running, contest.Broken); err == nil {
			pause(ctx, 3*time.Second) // by then, the slowest reloaders have handled it
			began = time.Now()
			err = r.Reload(running, contest.Code(version))
		}
	case report.InFlight:
		long.Go(func() { row.Long = askLong(running) })
		pause(ctx, 200*time.Millisecond)
		began = time.Now()
		err = r.Reload(running, contest.Code(version))
	default:
		err = r.Reload(running, contest.Code(version))
	}
	if err == nil && running.Await(ctx, contest.Page(version), 10*time.Millisecond) {
		row.NewCode = microseconds(time.Since(began)) / 1000
	}
	return err
}

// askLong returns the outcome of a request that takes three seconds.
func askLong(running *contest.Running) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 15 * time.Second}
	response, err := client.Get("http://" + running.Address + "/long")
	if err != nil {
		return "lost"
	}
	response.Body.Close()
	return response.Status
}

func latency(h load.Histogram) report.Latency {
	at := func(q float64) float64 { return microseconds(h.Quantile(q)) }
	return report.Latency{P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: microseconds(h.Slow)}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
