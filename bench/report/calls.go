package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modgw/modgw/bench/contest"
)

// Calls holds the system calls that a contestant's processes make per answer.
type Calls struct {
	Situation
	Contestant string                              // its name
	PerSecond  float64                             // answers
	PerAnswer  map[contest.Role]map[string]float64 // by the name of the call
	// why there are no figures; "": there are
	Failed string `json:",omitempty"`
}

// String lists all calls, role by role.
func (c Calls) String() string {
	if c.Failed != "" {
		return c.Contestant + ": " + c.Failed
	}
	text := c.Contestant
	for _, role := range contest.Roles {
		if c.PerAnswer[role] != nil {
			text += fmt.Sprintf("; %s %.1f", role, c.sum(role))
		}
	}
	return text
}

func (c Calls) sum(role contest.Role) (sum float64) {
	for _, n := range c.PerAnswer[role] {
		sum += n
	}
	return sum
}

// names lists the calls of a role, the most frequent first, without very rare ones.
func (c Calls) names(role contest.Role) string {
	byName := c.PerAnswer[role]
	var all []string
	for _, name := range slices.SortedFunc(maps.Keys(byName), func(a, b string) int { return cmp.Compare(byName[b], byName[a]) }) {
		if n := byName[name]; n >= 0.05 {
			all = append(all, fmt.Sprintf("%s %.1f", name, n))
		}
	}
	return strings.Join(all, ", ")
}

func (r *Report) writeCalls(out *strings.Builder) {
	title := ""
	for _, row := range r.Calls {
		if last := title; last != row.Situation.String() {
			title = row.Situation.String()
			fmt.Fprintf(out, "\n### System calls for an answer: %s\n\n| server | answers/s | process | calls | which |\n|---|--:|---|--:|---|\n", title)
		}
		if row.Failed != "" {
			fmt.Fprintf(out, "| %s | – | | | %s |\n", row.Contestant, firstLine(row.Failed))
			continue
		}
		for _, role := range contest.Roles {
			if row.PerAnswer[role] != nil {
				fmt.Fprintf(out, "| %s | %s | %s | %.1f | %s |\n", row.Contestant, amount(row.PerSecond), role, row.sum(role), row.names(role))
			}
		}
	}
}
