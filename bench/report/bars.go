package report

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/bench/contest"
)

// bar is a bar that modgw must reach, compared with others in some rows. Each server counts with
// its best result, at any number of threads and connections, with one worker.
type bar struct {
	what  string
	of    func(Row) bool
	ours  string  // name of the modgw variant that counts; "": contest.Ours
	least float64 // minimum ratio to the answers of the best peer
	peers []string
	cpu   float64 // maximum CPU time per answer in microseconds; 0: any
	times float64 // maximum ratio to the CPU time of the best peer; 0: any
}

func (b bar) String() string {
	name := strings.Join(b.peers, ", ")
	if len(b.peers) > 1 {
		name = "the best of " + name
	}
	text := fmt.Sprintf("≥ %g × %s", b.least, name)
	if b.cpu > 0 {
		text += fmt.Sprintf(", CPU ≤ %g µs", b.cpu)
	}
	if b.times > 0 {
		text += fmt.Sprintf(", CPU ≤ %g ×", b.times)
	}
	return text
}

// bars returns the bars for the rows of works.
func bars() (all []bar) {
	rows := func(work string, site contest.Site, front contest.Front) func(Row) bool {
		return func(row Row) bool {
			return busy(row) && row.Work == work && row.Site == site.Name && row.Front == front
		}
	}
	way := map[contest.Front]string{contest.Direct: "directly", contest.Apache: "behind Apache"}
	fronts := []contest.Front{contest.Direct, contest.Apache}

	straight := rows("hello", contest.RawWSGI, contest.Direct)
	through := rows("hello", contest.RawWSGI, contest.Apache)
	async := rows("hello", contest.RawASGI, contest.Direct)
	waiting := rows("page that waits for 1 ms", contest.RawWSGI, contest.Direct)
	echo := rows("WebSocket echo", contest.RawASGI, contest.Direct)
	all = []bar{
		{what: "hello WSGI directly", of: straight, least: 2.5, peers: []string{"uWSGI"}, cpu: 20},
		{what: "hello WSGI directly", of: straight, least: 1, peers: []string{"Granian"}},
		{what: "hello WSGI behind Apache", of: through, least: 1, peers: []string{"uWSGI"}},
		{what: "hello WSGI behind Apache", of: through, least: 1, peers: []string{"Granian"}},
		{what: "hello WSGI behind Apache", of: through, least: 2, peers: []string{"mod_wsgi"}},
	}
	for _, site := range []contest.Site{contest.Flask, contest.Django} {
		for _, front := range fronts {
			pages := bar{of: rows("page", site, front), ours: contest.Default}
			pages.what = site.Name + " page " + way[front] + ", default threads"
			granian, uwsgi := pages, pages
			granian.least, granian.peers = 1.15, []string{"Granian"}
			uwsgi.least, uwsgi.peers = 1.3, []string{"uWSGI"}
			all = append(all, granian, uwsgi)
		}
	}
	all = append(all,
		bar{
			what: "page that waits for 1 ms, 12 connections", of: waiting,
			least: 0.95, peers: []string{"uWSGI", "Granian", "gunicorn"}, times: 1.5,
		},
		bar{what: "hello ASGI directly", of: async, least: 1.2, peers: []string{"uvicorn"}},
		bar{what: "hello ASGI directly", of: async, least: 0.9, peers: []string{"Granian"}},
		bar{what: "WebSocket echo", of: echo, least: 1, peers: []string{"uvicorn"}})
	for _, work := range []string{"1 MiB response", "100 MiB response", "10 MiB upload"} {
		for _, front := range fronts {
			all = append(all,
				bar{
					what: work + ", WSGI " + way[front], of: rows(work, contest.RawWSGI, front),
					least: 1, peers: []string{"uWSGI", "Granian"},
				},
				bar{
					what: work + ", ASGI " + way[front], of: rows(work, contest.RawASGI, front),
					least: 1, peers: []string{"uvicorn", "hypercorn", "Granian"},
				})
		}
	}
	return all
}

// verdict compares modgw's best result with the best result of its peers.
func (b bar) verdict(rows []Row) Verdict {
	var ours, theirs Row
	for _, row := range rows {
		switch {
		case !b.of(row) || row.Failed != "":
		case row.Contestant == b.who():
			ours = better(ours, row)
		case among(row.Contestant, b.peers):
			theirs = better(theirs, row)
		}
	}
	v := Verdict{What: b.what, Bar: b.String()}
	if ours.PerSecond == 0 || theirs.PerSecond == 0 {
		return v
	}
	times := ours.PerSecond / theirs.PerSecond
	low, high := between(ours, theirs)
	v.Measured = fmt.Sprintf(
		"%.2f × (%.2f to %.2f; %s with %s against %s with %s of %s; CPU %.0f µs against %.0f µs)",
		times, low, high, amount(ours.PerSecond), ours.with(),
		amount(theirs.PerSecond), theirs.with(), theirs.Contestant, ours.TotalCPU(), theirs.TotalCPU())
	cheap := (b.cpu == 0 || ours.TotalCPU() <= b.cpu) &&
		(b.times == 0 || ours.TotalCPU() <= b.times*theirs.TotalCPU())
	v.Met, v.Narrowly = times >= b.least && cheap, low < b.least && b.least < high
	return v
}

func (b bar) who() string {
	if b.ours != "" {
		return b.ours
	}
	return contest.Ours
}

// pacedVerdict compares the cost of an answer and the 99th percentile of the latency at a fixed
// rate, each server with the number of threads that costs it the least CPU time. most is the
// largest accepted ratio to the peer's CPU time.
func (r *Report) pacedVerdict(rate, most float64) Verdict {
	v := Verdict{
		What: fmt.Sprintf("hello WSGI directly, %.0f requests a second", rate),
		Bar:  fmt.Sprintf("CPU ≤ %g × Granian, p99 ≤ 1.1 ×", most),
	}
	ours, theirs := r.cheapest(contest.Ours, rate), r.cheapest("Granian", rate)
	if ours.TotalCPU() > 0 && theirs.TotalCPU() > 0 {
		cpu, late := ours.TotalCPU()/theirs.TotalCPU(), ours.Latency.P99/theirs.Latency.P99
		v.Measured = fmt.Sprintf("CPU %.2f × (%.0f µs against %.0f µs), p99 %.2f × (%s ms against %s ms)",
			cpu, ours.TotalCPU(), theirs.TotalCPU(),
			late, milliseconds(ours.Latency.P99), milliseconds(theirs.Latency.P99))
		v.Met = cpu <= most && late <= 1.1
	}
	return v
}

// cheapest returns the row of hello at a fixed rate with the least CPU time, or the zero Row if
// there is none.
func (r *Report) cheapest(name string, rate float64) (best Row) {
	for _, row := range r.Rows {
		of := row.Contestant == name && row.Rate == rate && row.Site == contest.RawWSGI.Name &&
			row.Front == contest.Direct && row.Workers == 1 && row.Failed == ""
		if of && (best.Contestant == "" || row.TotalCPU() < best.TotalCPU()) {
			best = row
		}
	}
	return best
}

// threadsVerdict judges the cost of eight threads for a page that computes.
func (r *Report) threadsVerdict() Verdict {
	v := Verdict{What: "Django page directly, 8 threads beside 1", Bar: "worker's CPU ≤ 1.05 ×"}
	worker := map[int]float64{}
	for _, row := range r.Rows {
		if busy(row) && row.Work == "page" && row.Site == contest.Django.Name &&
			row.Front == contest.Direct && row.Contestant == contest.Ours {
			worker[row.Threads] = row.CPU[contest.WorkerRole]
		}
	}
	if one, eight := worker[1], worker[8]; one > 0 && eight > 0 {
		v.Measured = fmt.Sprintf("%.2f × (%.0f µs against %.0f µs)", eight/one, eight, one)
		v.Met = eight <= 1.05*one
	}
	return v
}

// memoryVerdict judges the memory of one app with its host, at the number of connections with the
// highest throughput.
func (r *Report) memoryVerdict() Verdict {
	v := Verdict{What: "one hello app, host and worker", Bar: "≤ 45 MiB"}
	var best Row
	for _, row := range r.Rows {
		if busy(row) && row.Work == "hello" && row.Site == contest.RawWSGI.Name &&
			row.Front == contest.Direct && row.Contestant == contest.Ours {
			best = better(best, row)
		}
	}
	if taken := best.TotalMemory(); taken > 0 {
		v.Measured = fmt.Sprintf("%.1f MiB (host %.1f, worker %.1f; %s)", mebibytes(taken),
			mebibytes(best.Memory[contest.HostRole]), mebibytes(best.Memory[contest.WorkerRole]), best.with())
		v.Met = taken <= 45<<20
	}
	return v
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
