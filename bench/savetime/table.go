package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// printTable prints a row for each result: median, extremes, and the ratio to modgw-host's median
// with the same app.
func printTable(out io.Writer, results []result) error {
	ours := map[string]time.Duration{}
	for _, r := range results {
		if r.server == "modgw-host" {
			ours[r.app] = r.median()
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "app\tserver\tmedian ms\tfrom\tto\ttimes modgw-host\t")
	for _, r := range results {
		shortest, longest := r.times[0], r.times[0]
		for _, t := range r.times {
			shortest, longest = min(shortest, t), max(longest, t)
		}
		ratio := "-"
		if base := ours[r.app]; base > 0 {
			ratio = fmt.Sprintf("%.1f", float64(r.median())/float64(base))
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t\n", r.app, r.server, r.median().Milliseconds(), shortest.Milliseconds(), longest.Milliseconds(), ratio)
	}
	return w.Flush()
}
