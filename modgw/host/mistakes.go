package host

import (
	"fmt"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// brokenFiles are the descriptor files with mistakes.
func (h *Host) brokenFiles() []*file {
	h.mu.Lock()
	defer h.mu.Unlock()
	var broken []*file
	for _, f := range h.files {
		if f.Diagnostics.HasErrors() {
			broken = append(broken, f)
		}
	}
	return broken
}

// mistake is what keeps an app from being what its descriptor says, or any app for ""; nil when nothing does.
func (h *Host) mistake(app modgw.AppName) error {
	for _, f := range h.brokenFiles() {
		switch {
		case app == "":
			return f.Diagnostics.Err()
		case slices.Contains(f.Missing, app) && !h.isDescribed(app), h.comesFrom(app, f):
			return cannotUse(app, f)
		}
	}
	return nil
}

// isDescribed reports whether an app has a descriptor without mistakes.
func (h *Host) isDescribed(app modgw.AppName) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.files, func(f *file) bool { return describes(f, app) })
}

func describes(f *file, app modgw.AppName) bool {
	return slices.ContainsFunc(f.Descriptors, func(d modgw.Descriptor) bool { return d.Name == app })
}

// comesFrom reports whether an app has its claims by a file that does not describe it, since nothing of it can be read.
func (h *Host) comesFrom(app modgw.AppName, f *file) bool {
	if describes(f, app) {
		return false
	}
	for _, c := range h.Claims() {
		if c.App == app {
			return c.File == f.Path
		}
	}
	return false
}

func cannotUse(app modgw.AppName, f *file) error {
	fault := *asFault(f.Diagnostics.Err())
	fault.Summary = fmt.Sprintf("cannot use the descriptor of app %q: %s", app, fault.Summary)
	return &fault
}

// mistakeStatus is mistake as status shows it.
func (h *Host) mistakeStatus(app modgw.AppName) *modgw.FailureStatus {
	err := h.mistake(app)
	if err == nil {
		return nil
	}
	h.mu.Lock()
	asOf := h.asOf
	h.mu.Unlock()
	fault := asFault(err)
	return &modgw.FailureStatus{Code: fault.Code, Error: fault.Line(), Text: fault.Error(), Cause: "descriptor changed", Time: asOf}
}
