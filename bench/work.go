package main

import (
	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
)

// work is something that a site is asked for.
type work struct {
	name     string
	protocol load.Protocol
	path     string
	upload   int64
	length   int64 // of the response's body; 0: as long as the first one is
}

// body is how many bytes of bodies a request moves, if they are what it is about.
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
	upload   = work{name: "10 MiB upload", path: "/upload", upload: 10 * mib, length: 13}
	echoes   = work{name: "WebSocket echo", protocol: load.WebSocket, path: "/ws"}
	listened = work{name: "event stream, 20 events a second to each", protocol: load.Events, path: "/events"}
)

// task is a work and how it is asked for.
type task struct {
	work
	connections int
	idle        int
	rate        float64
}

func (b *bench) job(r *contest.Running, t task, length int64) load.Job {
	job := load.Job{
		Address: r.Address, Protocol: t.protocol, Path: t.path, Upload: t.upload, Length: length,
		Connections: t.connections, Idle: t.idle, Rate: t.rate, Warmup: b.warmup, Duration: b.window, CPU: b.client,
	}
	if job.Protocol == "" {
		job.Protocol = load.HTTP
	}
	return job
}

// stage is a setting in which all contestants are started, and what they are then asked for.
type stage struct {
	setting contest.Setting
	tasks   []task
}

func (s stage) situation(t task) report.Situation {
	return report.Situation{
		Work: t.name, Site: s.setting.Site.Name, Front: s.setting.Front, Workers: s.setting.Workers, Threads: s.setting.Threads,
		Connections: t.connections, Idle: t.idle, Rate: t.rate,
	}
}

// with are tasks for a work at some numbers of connections.
func (w work) with(connections ...int) (tasks []task) {
	for _, n := range connections {
		tasks = append(tasks, task{work: w, connections: n})
	}
	return tasks
}
