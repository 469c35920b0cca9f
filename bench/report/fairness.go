package report

import (
	"fmt"
	"strings"
)

// writeFairness writes how long requests wait when other requests take a second each.
func (r *Report) writeFairness(out *strings.Builder) {
	began := false
	for _, beside := range r.Rows {
		if beside.Slow == 0 || beside.Failed != "" {
			continue
		}
		alone, found := r.alone(beside)
		if !found {
			continue
		}
		if !began {
			began = true
			fmt.Fprintf(out, "### Short requests beside long ones, %s\n\n", beside.Front)
			fmt.Fprintf(out, "%s request a page that waits for a millisecond, alone and then together with %d that request a page of a second; %s.\n\n",
				plural(beside.Connections, "connection"), beside.Slow, plural(beside.Threads, "thread"))
			out.WriteString("| server | alone: answers/s | p50 ms | p99 ms | beside them: answers/s | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|--:|\n")
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", beside.Contestant,
			amount(alone.PerSecond), milliseconds(alone.Latency.P50), milliseconds(alone.Latency.P99),
			amount(beside.PerSecond), milliseconds(beside.Latency.P50), milliseconds(beside.Latency.P99))
	}
	if began {
		out.WriteString("\n")
	}
}

// alone returns the row of the same contestant and situation without slow requests.
func (r *Report) alone(beside Row) (Row, bool) {
	situation := beside.Situation
	situation.Slow = 0
	for _, row := range r.Rows {
		if row.Situation == situation && row.Contestant == beside.Contestant && row.Failed == "" {
			return row, true
		}
	}
	return Row{}, false
}
