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

// ledgerRate is how many requests come in a second while code is changed.
const ledgerRate = 100

// incident is an event and the numbers of workers with which it is looked at.
type incident struct {
	event   report.Event
	workers int
	window  time.Duration
}

func incidents(s size) []incident {
	all := []incident{
		{report.Good, 1, 3 * time.Second},
		{report.Good, 4, 3 * time.Second},
		{report.BadCode, 4, 7 * time.Second},
		{report.Killed, 4, 2 * time.Second},
		{report.InFlight, 4, 5 * time.Second},
		{report.Dependency, 4, 10 * time.Second},
	}
	switch s {
	case smallest:
		return []incident{{report.Good, 1, time.Second}}
	case full:
		for _, i := range all[2:] {
			i.workers = 1
			all = append(all, i)
		}
	}
	return all
}

func (i incident) String() string { return fmt.Sprintf("reload, %s, %d workers", i.event, i.workers) }

// reloads lets everybody meet an incident, one after the other.
func (b *bench) reloads(ctx context.Context, i incident) (rows []report.Reload) {
	fmt.Fprintf(b.log, "%s\n", i)
	for _, r := range b.reloaders {
		if ctx.Err() != nil || r.Workers != nil && !r.Workers(i.workers) {
			continue
		}
		if i.event == report.Dependency && !b.everything && !r.Installs() {
			continue // for the others it is good code after pip
		}
		row := report.Reload{Event: i.event, Workers: i.workers, Front: r.Front, Contestant: r.Name, Rate: ledgerRate}
		if err := b.meet(ctx, i, r, &row); err != nil {
			row.Failed = err.Error()
		}
		rows = append(rows, row)
		fmt.Fprintf(b.log, "  %-24s %4d answered  %3d lost  %3d not 200  added %5.0f ms  new code after %5.0f ms  %s %s\n",
			r.Name, row.Answered, row.Lost, row.Wrong, row.Added(), row.NewCode, row.Long, row.Failed)
	}
	return rows
}

func (b *bench) meet(ctx context.Context, i incident, r contest.Reloader, row *report.Reload) error {
	setting := contest.Setting{Site: r.Site, Front: r.Front, Workers: i.workers, Threads: 4, Dependency: i.event == report.Dependency}
	running, err := b.kit.Start(ctx, b.dir, r.Contestant, setting)
	if err != nil {
		return err
	}
	defer running.Stop()
	job := load.Job{
		Address: running.Address, Protocol: load.HTTP, Path: "/", Length: contest.LedgerLength, Connections: 64, Rate: ledgerRate,
		Warmup: 500 * time.Millisecond, Duration: time.Second,
	}
	before, err := load.Run(ctx, job, load.Watch{})
	if err != nil {
		return err
	}
	var (
		happening sync.WaitGroup
		cause     error
	)
	job.Duration = i.window
	during, err := load.Run(ctx, job, load.Watch{Begun: func() {
		happening.Go(func() { cause = happen(ctx, i, r, running, row) })
	}})
	happening.Wait()
	if err != nil {
		return err
	}
	row.Answered, row.Before, row.During = during.Answered, latency(before.Latency), latency(during.Latency)
	for what, times := range during.Errors {
		if strings.HasPrefix(what, "status ") {
			row.Wrong += times
		} else {
			row.Lost += times
		}
	}
	return cause
}

// happen lets the event happen, and waits for the new code as long as requests come.
func happen(ctx context.Context, i incident, r contest.Reloader, running *contest.Running, row *report.Reload) error {
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
		err = r.ChangeDependency(ctx, running, 2)
	case report.BadCode:
		if err = r.Reload(running, contest.Broken); err == nil {
			pause(ctx, 4*time.Second) // the slowest reloaders have met it by then
			began = time.Now()
			err = r.Reload(running, contest.Code(2))
		}
	case report.InFlight:
		long.Go(func() { row.Long = askLong(running) })
		pause(ctx, 200*time.Millisecond)
		began = time.Now()
		err = r.Reload(running, contest.Code(2))
	default:
		err = r.Reload(running, contest.Code(2))
	}
	if err == nil && running.Await(ctx, contest.Page(2), 10*time.Millisecond) {
		row.NewCode = microseconds(time.Since(began)) / 1000
	}
	return err
}

// askLong says how a request of three seconds ends.
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
