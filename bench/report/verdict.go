package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/bench/contest"
)

// Verdict states whether modgw meets a bar.
type Verdict struct {
	What     string // the claim that is judged
	Bar      string // the value that it has to reach
	Measured string // "": it was not
	Met      bool   // whether it did
	Narrowly bool   // another run may have the opposite result
}

// Verdicts returns the verdicts on all bars.
func (r *Report) Verdicts() (all []Verdict) {
	for _, b := range bars() {
		all = append(all, b.verdict(r.Rows))
	}
	all = append(all, r.threadsVerdict(), r.memoryVerdict(), r.pacedVerdict(1000, 1.6), r.pacedVerdict(5000, 1))
	return slices.Concat(all, r.reloadVerdicts(), r.meteringVerdicts())
}

// between returns the range in which the ratio of the two rows' medians may be in another run,
// computed from their quartiles.
func between(ours, theirs Row) (low, high float64) {
	ourLow, ourHigh := quartiles(ours.Rounds)
	theirLow, theirHigh := quartiles(theirs.Rounds)
	if theirLow == 0 {
		return 0, 0
	}
	return ourLow / theirHigh, ourHigh / theirLow
}

// with describes briefly how the row's server was run and measured: threads × connections.
func (r Row) with() string {
	if r.Contestant == contest.Default {
		return fmt.Sprintf("default × %d", r.Connections)
	}
	return fmt.Sprintf("%d × %d", r.Threads, r.Connections)
}

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
		v := Verdict{What: "good code under load, " + plural(workers, "worker"), Bar: "0 lost, 0 other than 200, ≤ 20 ms added"}
		v.Measured, v.Met = r.reloaded(Good, workers, 20)
		all = append(all, v)
	}
	broken := Verdict{What: "broken code saved under load, 4 workers", Bar: "0 lost, 0 other than 200, one error with file and line"}
	broken.Measured, broken.Met = r.reloaded(BadCode, 4, 0)
	all = append(all, broken)
	for _, s := range r.Savings {
		const limit = 30.0
		took := Median(s.Times)
		all = append(all, Verdict{
			What: "saved → new page, " + s.Site, Bar: fmt.Sprintf("%.0f ms of settling + ≤ %.0f ms", s.Settle, limit),
			Measured: fmt.Sprintf("%.0f ms", took), Met: took <= s.Settle+limit,
		})
	}
	return append(all, r.growthVerdicts()...)
}

// reloaded sums up modgw's losses in an event, directly and behind Apache. patience is the largest
// accepted addition to the slowest answer, in milliseconds; 0: any.
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
	crowd := Verdict{What: "10 000 descriptors, on demand", Bar: "ready in ≤ 3 s, ≤ 50 KiB each, routing as with one"}
	idle := Verdict{What: "idle host, 1 app", Bar: "≤ 20 MiB, no wake-ups"}
	forest := Verdict{What: "saved → new page, 100 000 files", Bar: "100 ms of settling + ≤ 100 ms"}
	grown := func(of string, n int) Growth {
		for _, g := range r.Growth {
			if g.Of == of && g.N == n && g.Failed == "" {
				return g
			}
		}
		return Growth{}
	}
	one, many, files := grown("apps", 1), grown("apps", 10_000), grown("files", 100_000)
	if one.N > 0 {
		idle.Measured = fmt.Sprintf("%.1f MiB, %.1f wake-ups and %.0f µs of CPU time a second",
			mebibytes(one.Memory), one.Wakeups, one.IdleCPU)
		idle.Met = one.Memory <= 20<<20 && one.Wakeups < 0.5
	}
	if many.N > 0 && one.Request > 0 {
		each := float64(many.Memory-one.Memory) / float64(many.N-one.N) / 1024
		crowd.Measured = fmt.Sprintf("%.2f s, %.0f KiB each, %.0f µs of the host's CPU time for a request (%.0f with one)",
			many.Start/1000, each, many.Request, one.Request)
		crowd.Met = many.Start <= 3000 && each <= 50 && many.Request <= 1.25*one.Request
	}
	if files.N > 0 {
		forest.Measured = fmt.Sprintf("%.0f ms", files.Saved)
		forest.Met = files.Saved <= 200
	}
	return []Verdict{crowd, forest, idle}
}

func (r *Report) writeVerdicts(out *strings.Builder) {
	verdicts := slices.DeleteFunc(r.Verdicts(), func(v Verdict) bool { return v.Measured == "" })
	if len(verdicts) == 0 {
		return
	}
	out.WriteString("### Verdicts\n\nA verdict uses the row in which a server answers most, over all numbers of threads and connections with one worker; rows are\n" +
		"named *threads × connections*. The brackets begin with the ratios for the quartiles of the rounds: a verdict is *narrow* if the bar\n" +
		"is between them, and another run may then have the other result.\n\n| what | bar | measured | |\n|---|---|---|---|\n")
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
