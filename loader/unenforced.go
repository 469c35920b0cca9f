package loader

import (
	"fmt"
	"slices"
	"strings"
)

// checkUnconfined warns of parts of a sandbox that do not hold on this machine.
func (w written) checkUnconfined() {
	parts := w.scope.opts.Unconfined
	if len(parts) == 0 || len(w.layers) == 0 || w.layers[0].fallback {
		return
	}
	w.doubt("sandbox", fmt.Sprintf("The host cannot confine all here: %s are as free as without it. docs/sandbox.md says what each "+
		"part needs.", strings.Join(parts, ", ")))
}

// checkUnenforced warns of limits that do not hold on this machine.
func (w written) checkUnenforced() {
	for _, name := range slices.Sorted(slices.Values(w.scope.opts.Unenforced)) {
		w.doubtOwn(name, fmt.Sprintf("The host cannot enforce %q here: it cannot make control groups with that controller. "+
			"Run it as root, or under systemd with Delegate=yes.", name))
	}
}

// checkUnfrozen warns of an app that is to sleep where the host cannot freeze it.
func (w written) checkUnfrozen() {
	if w.scope.opts.CannotFreeze {
		w.doubtOwn("sleep_after", "The host cannot freeze processes here, so the app stays awake: it cannot make control groups that "+
			"freeze. Run it as root, or under systemd with Delegate=yes.")
	}
}

// doubtOwn warns of an argument where the app itself has it, and not the defaults.
func (w written) doubtOwn(name, detail string) {
	for _, l := range w.layers {
		if attr := l.body.Attributes[name]; attr != nil && !l.fallback && !asksForNothing(attr) {
			w.doubt(name, detail)
		}
	}
}
