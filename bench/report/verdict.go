package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/bench/contest"
)

// Verdict says whether modgw keeps to a bar.
type Verdict struct {
	What     string
	Bar      string
	Measured string // "": it was not
	Met      bool
	Narrowly bool // another run may say something else
}

// Verdicts are those on all bars.
func (r *Report) Verdicts() (all []Verdict) {
	hello := func(site contest.Site, front contest.Front) func(Row) bool {
		return func(row Row) bool {
			return busy(row) && row.Work == "hello" && row.Site == site.Name && row.Front == front
		}
	}
	through := hello(contest.RawWSGI, contest.Apache)
	straight := hello(contest.RawWSGI, contest.Direct)
	async := hello(contest.RawASGI, contest.Direct)
	all = []Verdict{
		r.rate("hello WSGI behind Apache, 1 worker", through, 1.5, "mod_wsgi daemon"),
		r.rate("hello WSGI behind Apache, 1 worker", through, 1, "uWSGI"),
		r.rate("hello WSGI behind Apache, 1 worker", through, 2, "gunicorn"),
		r.rate("hello WSGI directly, 1 worker", straight, 1.5, "uWSGI"),
		r.rate("hello WSGI directly, 1 worker", straight, 4, "gunicorn"),
		r.rate("hello ASGI directly, 1 worker", async, 0.8, "uvicorn"),
		r.rate("hello ASGI directly, 1 worker", async, 1, "hypercorn"),
	}
	for _, work := range []string{"1 MiB response", "10 MiB upload"} {
		heavy := func(site contest.Site, front contest.Front) func(Row) bool {
			return func(row Row) bool {
				return busy(row) && row.Work == work && row.Site == site.Name && row.Front == front
			}
		}
		all = append(all,
			r.rate(work+", WSGI directly, 1 worker", heavy(contest.RawWSGI, contest.Direct), 1, "uWSGI", "gunicorn"),
			r.rate(work+", WSGI behind Apache, 1 worker", heavy(contest.RawWSGI, contest.Apache), 1, "mod_wsgi daemon", "uWSGI", "gunicorn"),
			r.rate(work+", ASGI directly, 1 worker", heavy(contest.RawASGI, contest.Direct), 1, "uvicorn", "hypercorn"))
	}
	return append(all, r.reloadVerdicts()...)
}

// rate compares the best that modgw does, with any number of threads and connections, with the best that any of the peers does.
func (r *Report) rate(what string, of func(Row) bool, least float64, peers ...string) Verdict {
	ours, theirs := Row{}, Row{}
	for _, row := range r.Rows {
		switch {
		case !of(row) || row.Failed != "":
		case row.Contestant == contest.Ours:
			ours = better(ours, row)
		case among(row.Contestant, peers):
			theirs = better(theirs, row)
		}
	}
	name := strings.Join(peers, ", ")
	if len(peers) > 1 {
		name = "the best of " + name
	}
	v := Verdict{What: what, Bar: fmt.Sprintf("≥ %g × %s", least, name)}
	if ours.PerSecond > 0 && theirs.PerSecond > 0 {
		times := ours.PerSecond / theirs.PerSecond
		low, high := between(ours, theirs)
		v.Measured = fmt.Sprintf("%.2f × (%.2f to %.2f; %s with %s against %s with %s of %s; CPU %.0f µs against %.0f µs)",
			times, low, high, amount(ours.PerSecond), ours.with(), amount(theirs.PerSecond), theirs.with(), theirs.Contestant,
			ours.TotalCPU(), theirs.TotalCPU())
		v.Met, v.Narrowly = times >= least, low < least && least < high
	}
	return v
}

// between are the ratios of the quartiles of two rows: where the ratio of their medians may well be in another run.
func between(ours, theirs Row) (low, high float64) {
	ourLow, ourHigh := quartiles(ours.Rounds)
	theirLow, theirHigh := quartiles(theirs.Rounds)
	if theirLow == 0 {
		return 0, 0
	}
	return ourLow / theirHigh, ourHigh / theirLow
}

// with says how a row's server was run and asked, shortly: threads × connections.
func (r Row) with() string { return fmt.Sprintf("%d × %d", r.Threads, r.Connections) }

func better(a, b Row) Row {
	if b.PerSecond > a.PerSecond {
		return b
	}
	return a
}

func among(name string, peers []string) bool {
	for _, peer := range peers {
		if strings.HasPrefix(name, peer) {
			return true
		}
	}
	return false
}

func (r *Report) reloadVerdicts() (all []Verdict) {
	for _, workers := range []int{1, 4} {
		v := Verdict{What: "good code under load, " + plural(workers, "worker"), Bar: "0 lost, 0 other than 200, ≤ 50 ms added"}
		v.Measured, v.Met = r.reloaded(Good, workers, 50)
		all = append(all, v)
	}
	broken := Verdict{What: "broken code saved under load, 4 workers", Bar: "0 lost, 0 other than 200, one error with file and line"}
	broken.Measured, broken.Met = r.reloaded(BadCode, 4, 0)
	all = append(all, broken)
	for _, s := range r.Savings {
		limit := 150.0
		if s.Site == contest.DjangoPage.Name {
			limit = 100
		}
		took := Median(s.Times)
		all = append(all, Verdict{
			What: "saved → new page, " + s.Site, Bar: fmt.Sprintf("%.0f ms of settling + ≤ %.0f ms", s.Settle, limit),
			Measured: fmt.Sprintf("%.0f ms", took), Met: took <= s.Settle+limit,
		})
	}
	return append(all, r.growthVerdicts()...)
}

// reloaded sums up what modgw lost in an event, directly and behind Apache. patience is how many milliseconds more than
// usual the slowest answer may take; 0: any number.
func (r *Report) reloaded(event Event, workers int, patience float64) (measured string, met bool) {
	met = true
	for _, row := range r.Reloads {
		if row.Event != event || row.Workers != workers || !among(row.Contestant, []string{contest.Ours}) {
			continue
		}
		measured += fmt.Sprintf("; %s, %.0f/s: %d lost, %d other than 200, %.0f ms%s added", row.Contestant, row.Rate, row.Lost, row.Wrong, row.Added(), row.again())
		if event == BadCode {
			measured += fmt.Sprintf(", %s, %d with file and line", plural(row.Told, "error"), row.Placed)
			met = met && row.Told == 1 && row.Placed == 1
		}
		met = met && row.Failed == "" && row.Lost+row.Wrong == 0 && (patience == 0 || row.Added() <= patience)
	}
	return strings.TrimPrefix(measured, "; "), met && measured != ""
}

func (r *Report) growthVerdicts() []Verdict {
	crowd := Verdict{What: "1 000 descriptors, on demand", Bar: "ready in ≤ 2 s, ≤ 100 KiB each, routing as with one"}
	idle := Verdict{What: "idle host, 1 app", Bar: "≤ 30 MiB, no wake-ups"}
	at := map[int]Growth{}
	for _, g := range r.Growth {
		if g.Of == "apps" && g.Failed == "" {
			at[g.N] = g
		}
	}
	one, known := at[1]
	if known {
		idle.Measured = fmt.Sprintf("%.1f MiB, %.1f wake-ups and %.0f µs of CPU time a second", float64(one.Memory)/(1<<20), one.Wakeups, one.IdleCPU)
		idle.Met = one.Memory <= 30<<20 && one.Wakeups < 0.5
	}
	if many, knownToo := at[1000]; known && knownToo && one.Request > 0 {
		each := float64(many.Memory-one.Memory) / 999 / 1024
		crowd.Measured = fmt.Sprintf("%.2f s, %.0f KiB each, %.0f µs of the host's CPU time for a request (%.0f with one)",
			many.Start/1000, each, many.Request, one.Request)
		crowd.Met = many.Start <= 2000 && each <= 100 && many.Request <= 1.25*one.Request
	}
	return []Verdict{crowd, idle}
}

func (r *Report) writeVerdicts(out *strings.Builder) {
	verdicts := slices.DeleteFunc(r.Verdicts(), func(v Verdict) bool { return v.Measured == "" })
	if len(verdicts) == 0 {
		return
	}
	out.WriteString("### Verdicts\n\nOf each server the row counts in which it answers most, of all numbers of threads and connections with one worker; they are\n" +
		"named as *threads × connections*. In brackets first where the ratio would be with the quartiles of the rounds: a verdict is *narrow*\n" +
		"when the bar is in between, and another run may find the other one.\n\n| what | bar | measured | |\n|---|---|---|---|\n")
	for _, v := range verdicts {
		word := "missed"
		if v.Met {
			word = "**met**"
		}
		if v.Narrowly {
			word += ", narrowly"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", v.What, v.Bar, v.Measured, word)
	}
	out.WriteString("\n")
}
