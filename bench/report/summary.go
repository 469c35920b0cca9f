package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/contest"
)

// The latest measurements are between these lines of a page.
const (
	beginMeasured = "<!-- measured: written by go run ./bench -out -->\n"
	endMeasured   = "<!-- end of what was measured -->\n"
)

// WriteSummary writes the summary into a page of the manual, between its two marks. If the page
// does not exist, it has no effect.
func (r *Report) WriteSummary(page string) error {
	text, err := os.ReadFile(page)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(beginMeasured))
	_, after, closed := bytes.Cut(rest, []byte(endMeasured))
	if !found || !closed {
		return fmt.Errorf("cannot write the summary: %q has not both of the lines %q and %q", page, beginMeasured, endMeasured)
	}
	return os.WriteFile(page, slices.Concat(before, []byte(beginMeasured), []byte(r.summary()), []byte(endMeasured), after), 0o644)
}

func (r *Report) summary() string {
	out := &strings.Builder{}
	fmt.Fprintf(out, "\nMeasured on %s with `%s`, in %s: %d processors of %s, Linux %s, load average before the run %s; %s of %s for each.\n",
		r.Began.UTC().Format(time.DateOnly), r.Command, r.Took.Round(time.Second), r.Machine.Cores, r.Machine.CPU, r.Machine.Kernel,
		r.Machine.Load, plural(r.Rounds, "round"), r.Window)
	r.writeVersions(out)
	for _, c := range comparisons {
		writeBest(out, c.name, r.best(c.has))
	}
	r.writeVerdicts(out)
	r.writeFairness(out)
	r.writeAhead(out)
	return out.String()
}

func writeBest(out *strings.Builder, name string, rows []Row) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(out, "### %s, one worker\n\n", strings.ToUpper(name[:1])+name[1:])
	out.WriteString("| server | answers/s | CPU µs | p99 ms | memory MiB | with |\n|---|--:|--:|--:|--:|---|\n")
	for _, row := range rows {
		fmt.Fprintf(out, "| %s | %s | %.0f | %s | %.0f | %s, %s |\n", row.Contestant, amount(row.PerSecond), row.TotalCPU(),
			milliseconds(row.Latency.P99), float64(row.TotalMemory())/(1<<20), plural(row.Threads, "thread"), plural(row.Connections, "connection"))
	}
	out.WriteString("\n")
}

// writeAhead names the servers that are faster than modgw, and in which situations.
func (r *Report) writeAhead(out *strings.Builder) {
	type rival struct {
		name        string
		times, most float64
		where       []string
	}
	var rivals []*rival
	for _, row := range r.Rows {
		if row.Ratio == 0 || row.Ratio > 0.95 || row.Rate > 0 || row.Slow > 0 || strings.HasPrefix(row.Contestant, contest.Ours) {
			continue
		}
		at := slices.IndexFunc(rivals, func(known *rival) bool { return known.name == row.Contestant })
		if at < 0 {
			at = len(rivals)
			rivals = append(rivals, &rival{name: row.Contestant})
		}
		known := rivals[at]
		known.times++
		known.most = max(known.most, 1/row.Ratio)
		if where := fmt.Sprintf("%s %s (%s)", row.Work, row.Front, row.Site); !slices.Contains(known.where, where) {
			known.where = append(known.where, where)
		}
	}
	out.WriteString("### Where another server answers more\n\n")
	if len(rivals) == 0 {
		out.WriteString("Nowhere in this run by more than a twentieth.\n\n")
		return
	}
	out.WriteString("| server | situations | at most | in |\n|---|--:|--:|---|\n")
	for _, r := range rivals {
		fmt.Fprintf(out, "| %s | %.0f | %.1f × modgw | %s |\n", r.name, r.times, r.most, strings.Join(r.where, "; "))
	}
	out.WriteString("\n")
}
