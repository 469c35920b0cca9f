package httpd

import (
	"fmt"

	"github.com/modgw/modgw/loader/migrate"
)

// outcomes has the outcome of each directive. A directive that is met more than once, because its
// file is included or its macro used more than once, has one outcome: the one that requires most of
// the administrator.
type outcomes struct {
	plan    *migrate.Plan
	files   []string
	nodes   map[string][]*node
	found   map[*node]outcome
	options map[*node][]outcome
}

type outcome struct {
	option string // "" for the directive itself
	became migrate.Became
	reason string
}

func newOutcomes(plan *migrate.Plan) *outcomes {
	return &outcomes{plan: plan, nodes: map[string][]*node{}, found: map[*node]outcome{}, options: map[*node][]outcome{}}
}

// file remembers the directives of a file, all of which get an entry.
func (o *outcomes) file(path string, nodes []*node) {
	o.files = append(o.files, path)
	o.nodes[path] = nodes
}

// set notes the outcome of a directive, or of one of its options.
func (o *outcomes) set(n *node, option string, became migrate.Became, reason string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = o.plan.Written(text)
		}
	}
	if len(args) > 0 {
		reason = fmt.Sprintf(reason, args...)
	}
	now := outcome{option, became, reason}
	if option == "" {
		if old, ok := o.found[n]; !ok || weight(old.became) < weight(became) {
			o.found[n] = now
		}
		return
	}
	for i, old := range o.options[n] {
		if old.option == option {
			if weight(old.became) < weight(became) {
				o.options[n][i] = now
			}
			return
		}
	}
	o.options[n] = append(o.options[n], now)
}

// replace notes an outcome in place of the one that a directive has.
func (o *outcomes) replace(n *node, became migrate.Became, reason string, args ...any) {
	delete(o.found, n)
	o.set(n, "", became, reason, args...)
}

// weight orders outcomes by the work that they require of the administrator.
func weight(b migrate.Became) int {
	switch b {
	case migrate.ByHand:
		return 2
	case migrate.Translated:
		return 1
	}
	return 0
}

// write puts an entry for each directive and option into the report.
func (o *outcomes) write() {
	for _, path := range o.files {
		o.entries(o.nodes[path])
	}
}

func (o *outcomes) entries(nodes []*node) {
	for _, n := range nodes {
		if n.Name == "" {
			continue
		}
		found, ok := o.found[n]
		if !ok {
			found = outcome{became: migrate.NotNeeded, reason: "stands in a macro that nothing uses"}
		}
		o.plan.Add(placeOf(n), titleOf(n), found.became, found.reason)
		for _, option := range o.options[n] {
			o.plan.Add(placeOf(n), titleOf(n)+" "+option.option, option.became, option.reason)
		}
		o.entries(n.Children)
	}
}
