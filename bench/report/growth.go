package report

import (
	"fmt"
	"strings"
)

// Growth is the cost of modgw as the number of something grows.
type Growth struct {
	Of     string  // "apps", "files"
	N      int     // number of apps or files
	Start  float64 // milliseconds until the host is ready
	Busy   float64 // milliseconds of work after that
	Memory int64   // bytes that modgw-host uses
	// Per second, of an idle host: CPU time in microseconds, and how often its threads were
	// scheduled.
	IdleCPU, Wakeups float64
	// microseconds of the host's CPU time for a request to one of the apps
	Request float64 `json:",omitempty"`
	// milliseconds from saving code until the new page came
	Saved  float64 `json:",omitempty"`
	Failed string  `json:",omitempty"`
}

// Saving is the time from saving code until the new page is served.
type Saving struct {
	Site   string    // name of the site that was saved
	Times  []float64 // milliseconds
	Settle float64   // milliseconds of them during which modgw waits whether more is saved
}

func (r *Report) writeGrowth(out *strings.Builder) {
	of := ""
	for _, g := range r.Growth {
		if g.Of != of {
			of = g.Of
			fmt.Fprintf(out, "\n### modgw with many %s\n\n| %[1]s | ready after ms | then busy for ms | memory of the host MiB | idle: CPU µs/s | idle: wake-ups/s | host CPU µs for a request | saved → new page ms |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n", g.Of)
		}
		if g.Failed != "" {
			fmt.Fprintf(out, "| %d | %s | | | | | | |\n", g.N, firstLine(g.Failed))
			continue
		}
		fmt.Fprintf(out, "| %d | %.0f | %.0f | %.1f | %.0f | %.1f | %s | %s |\n", g.N, g.Start, g.Busy, float64(g.Memory)/(1<<20), g.IdleCPU, g.Wakeups,
			nonzero("%.0f", g.Request), nonzero("%.0f", g.Saved))
	}
	for n, s := range r.Savings {
		if n == 0 {
			out.WriteString("\n### From saving a file to the new page, modgw\n\n| site | median ms | of which it waits for further changes |\n|---|--:|--:|\n")
		}
		fmt.Fprintf(out, "| %s | %.0f | %.0f |\n", s.Site, Median(s.Times), s.Settle)
	}
}
