package report

import (
	"fmt"
	"strings"
)

// Metering is the cost of counting and timing requests.
type Metering struct {
	Situation

	// With and Without are the microseconds of CPU time of host and worker per answer, by round, of
	// a host that counts and of a host that does not, measured one after the other.
	With, Without []float64

	Failed string `json:",omitempty"` // why there are no numbers, or not all
}

// shares returns, for each round, by how many percent counting raises the cost of an answer.
func (m Metering) shares() (all []float64) {
	for i := range min(len(m.With), len(m.Without)) {
		if m.Without[i] > 0 {
			all = append(all, 100*(m.With[i]/m.Without[i]-1))
		}
	}
	return all
}

func (m Metering) String() string {
	low, high := quartiles(m.shares())
	return fmt.Sprintf("%+.1f %% (%+.1f to %+.1f; CPU %.2f µs against %.2f µs without)",
		Median(m.shares()), low, high, Median(m.With), Median(m.Without))
}

// mostMetering is the largest accepted cost of counting, in percent of the CPU time.
const mostMetering = 2.0

func (r *Report) meteringVerdicts() (all []Verdict) {
	for _, m := range r.Metering {
		v := Verdict{
			What: fmt.Sprintf("counting and timing requests, %s of %s", m.Work, m.Site),
			Bar:  fmt.Sprintf("< %.0f %% of the CPU time", mostMetering),
		}
		if m.Failed == "" && len(m.shares()) > 0 {
			low, high := quartiles(m.shares())
			v.Measured, v.Met = m.String(), Median(m.shares()) < mostMetering
			v.Narrowly = low < mostMetering && mostMetering <= high
		}
		all = append(all, v)
	}
	return all
}

func (r *Report) writeMetering(out *strings.Builder) {
	for i, m := range r.Metering {
		if i == 0 {
			out.WriteString("\n### What counting and timing requests costs\n\n" +
				"| situation | CPU µs with | without | more, median of the rounds % | quartiles | rounds |\n|---|--:|--:|--:|--:|--:|\n")
		}
		if m.Failed != "" {
			fmt.Fprintf(out, "| %s | %s | | | | |\n", m.Situation, firstLine(m.Failed))
			continue
		}
		low, high := quartiles(m.shares())
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %+.1f | %+.1f to %+.1f | %d |\n", m.Situation,
			Median(m.With), Median(m.Without), Median(m.shares()), low, high, len(m.With))
	}
}
