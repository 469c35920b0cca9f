package loader

import (
	"fmt"
	"slices"
)

// checkUnenforced warns of limits that do not hold on this machine.
func (w written) checkUnenforced() {
	for _, name := range slices.Sorted(slices.Values(w.scope.opts.Unenforced)) {
		for _, l := range w.layers {
			if attr := l.body.Attributes[name]; attr != nil && !l.fallback && !asksForNothing(attr) {
				w.warn(name, fmt.Sprintf("The host cannot enforce %q here: it cannot make control groups with that controller. "+
					"Run it as root, or under systemd with Delegate=yes.", name))
			}
		}
	}
}
