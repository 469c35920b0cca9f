package main

import (
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// work is a kind of request to a site.
type work struct {
	name     string
	protocol load.Protocol
	path     string
	upload   int64
	length   int64 // length of a right body; 0: the length of the first body
}

// body returns the number of bytes of the body that the work is about; 0 if it is not about bodies.
func (w work) body() int64 { return max(w.upload, w.length) }

const (
	kib = 1 << 10
	mib = 1 << 20
)

var (
	hello    = work{name: "hello", path: "/", length: 13}
	page     = work{name: "page", path: "/"}
	short    = work{name: "10 KiB response", path: "/10k", length: 10 * kib}
	middle   = work{name: "64 KiB response", path: "/64k", length: 64 * kib}
	long     = work{name: "1 MiB response", path: "/1m", length: mib}
	huge     = work{name: "100 MiB response", path: "/100m", length: 100 * mib}
	file     = work{name: "10 MiB file by wsgi.file_wrapper", path: "/file", length: 10 * mib}
	brief    = work{name: "page that waits for 1 ms", path: "/millisecond", length: 13}
	upload   = work{name: "10 MiB upload", path: "/upload", upload: 10 * mib, length: 13}
	echoes   = work{name: "WebSocket echo", protocol: load.WebSocket, path: "/ws"}
	listened = work{name: "event stream, 20 events a second to each", protocol: load.Events, path: "/events"}
)

// task is a work and the way in which it is requested.
type task struct {
	work
	connections int
	idle        int
	slow        int // further connections that request the slow page
	rate        float64
	decides     bool // a verdict depends on it
	aside       bool // it only completes a plot or a table
}

// rounds returns the number of rounds of a task. A task that decides a verdict has more rounds, so
// that another run has the same result. A task that measures memory, or that no verdict depends on,
// has one.
func (b *bench) rounds(t task) int {
	switch {
	case t.decides && b.often > 1:
		return 2*b.often - 1
	case t.idle > 0 || t.aside && !b.everything:
		return 1
	}
	return b.often
}

// lasts returns the lengths of the warm-up and of the window of a round. With slow requests, the
// window is long enough for several of them.
func (b *bench) lasts(t task) (warmup, window time.Duration) {
	switch {
	case t.slow > 0:
		return b.warmup, 4 * b.window
	case t.rate > 0: // enough answers for the 99th percentile
		return b.warmup, 2 * b.window
	}
	return b.warmup, b.window
}

func (b *bench) job(r *contest.Running, t task, length int64) load.Job {
	warmup, window := b.lasts(t)
	job := load.Job{
		Address: r.Address, Protocol: t.protocol, Path: t.path, Upload: t.upload, Length: length,
		Connections: t.connections, Idle: t.idle, Slow: t.slow, SlowPath: "/second",
		Rate: t.rate, Warmup: warmup, Duration: window, CPU: b.client,
	}
	if job.Protocol == "" {
		job.Protocol = load.HTTP
	}
	return job
}

// stage is a setting in which all contestants are started, and the tasks that they then perform.
type stage struct {
	setting contest.Setting
	tasks   []task
}

func (s stage) situation(t task) report.Situation {
	return report.Situation{
		Work: t.name, Site: s.setting.Site.Name, Front: s.setting.Front, Workers: s.setting.Workers, Threads: s.setting.Threads,
		Connections: t.connections, Idle: t.idle, Slow: t.slow, Rate: t.rate,
	}
}

// deciding marks tasks that verdicts depend on.
func deciding(tasks ...task) []task {
	for n := range tasks {
		tasks[n].decides = true
	}
	return tasks
}

// aside marks tasks that no verdict depends on.
func aside(tasks ...task) []task {
	for n := range tasks {
		tasks[n].aside = true
	}
	return tasks
}

// paced returns tasks for a work at fixed rates.
func (w work) paced(rates ...float64) (tasks []task) {
	for _, rate := range rates {
		tasks = append(tasks, task{work: w, connections: 64, rate: rate})
	}
	return tasks
}

// with returns tasks for a work at some numbers of connections.
func (w work) with(connections ...int) (tasks []task) {
	for _, n := range connections {
		tasks = append(tasks, task{work: w, connections: n})
	}
	return tasks
}
