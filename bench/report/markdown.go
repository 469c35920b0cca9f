package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/contest"
)

// WriteMarkdown writes a table for each situation.
func (r *Report) WriteMarkdown(w io.Writer) error {
	out := &strings.Builder{}
	fmt.Fprintf(out, "Measured %s with `%s` on %d × %s, Linux %s, load average before it %s; %s of %s, in turn.\n",
		r.Began.UTC().Format(time.DateOnly), r.Command, r.Machine.Cores, r.Machine.CPU, r.Machine.Kernel, r.Machine.Load, plural(r.Rounds, "round"), r.Window)
	r.writeVersions(out)
	r.writeVerdicts(out)
	r.writeFairness(out)
	r.writeAhead(out)
	for _, table := range r.tables() {
		writeTable(out, table)
	}
	r.writeReloads(out)
	r.writeGrowth(out)
	r.writeMetering(out)
	r.writeCalls(out)
	_, err := io.WriteString(w, out.String())
	return err
}

func (r *Report) writeVersions(out *strings.Builder) {
	var all []string
	for _, name := range []string{"Python", "Apache", "mod_wsgi", "uWSGI", "gunicorn", "granian", "uvicorn", "uvloop", "httptools", "hypercorn", "flask", "django"} {
		if version := r.Versions[name]; version != "" {
			all = append(all, name+" "+version)
		}
	}
	fmt.Fprintf(out, "\n%s.\n\n", strings.Join(all, ", "))
}

// tables groups the rows by situation, in the order of the run.
func (r *Report) tables() (tables [][]Row) {
	at := map[Situation]int{}
	for _, row := range r.Rows {
		n, known := at[row.Situation]
		if !known {
			n = len(tables)
			at[row.Situation] = n
			tables = append(tables, nil)
		}
		tables[n] = append(tables[n], row)
	}
	return tables
}

func writeTable(out *strings.Builder, rows []Row) {
	fmt.Fprintf(out, "### %s\n\n", rows[0].Situation)
	out.WriteString("| server | answers/s | ± % | modgw ÷ it | p50 ms | p99 ms | max ms | CPU µs | Apache | host | worker | memory MiB | errors |\n")
	out.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range rows {
		if row.Failed != "" {
			fmt.Fprintf(out, "| %s | – | | | | | | | | | | | %s |\n", row.Contestant, row.Failed)
			continue
		}
		fmt.Fprintf(out, "| %s | %s | %.0f | %s | %s | %s | %s | %.0f |", row.Contestant, amount(row.PerSecond), row.Spread(), ratio(row.Ratio),
			milliseconds(row.Latency.P50), milliseconds(row.Latency.P99), milliseconds(row.Latency.Max), row.TotalCPU())
		for _, role := range contest.Roles {
			fmt.Fprintf(out, " %s |", nonzero("%.0f", row.CPU[role]))
		}
		fmt.Fprintf(out, " %.0f | %s |\n", float64(row.TotalMemory())/(1<<20), failures(row.Errors))
	}
	out.WriteString("\n")
}

func (s Situation) String() string {
	text := fmt.Sprintf("%s, %s, %s, %s, %s, %s", s.Work, s.Site, s.Front, plural(s.Workers, "worker"), plural(s.Threads, "thread"), plural(s.Connections, "connection"))
	if s.Idle > 0 {
		text += fmt.Sprintf(" beside %d idle ones", s.Idle)
	}
	if s.Slow > 0 {
		text += fmt.Sprintf(" beside %d that ask for a page of a second", s.Slow)
	}
	if s.Rate > 0 {
		text += fmt.Sprintf(", %.0f requests a second", s.Rate)
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// amount formats a number with three significant digits.
func amount(x float64) string {
	switch {
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

func ratio(x float64) string { return nonzero("%.2f", x) }

// milliseconds formats microseconds as milliseconds. The result is empty if there was no
// measurement, because no answer was complete.
func milliseconds(us float64) string {
	if us == 0 {
		return ""
	}
	return amount(us / 1000)
}

func nonzero(format string, x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf(format, x)
}

func failures(errors map[string]int) string {
	n := 0
	for _, times := range errors {
		n += times
	}
	if n == 0 {
		return "0"
	}
	return fmt.Sprint(n)
}
