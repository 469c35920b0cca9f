package host

import (
	"errors"
	"fmt"
	"slices"

	"github.com/modgw/modgw/loader"
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
	var all []error
	for _, f := range h.brokenFiles() {
		switch {
		case app == "":
			all = append(all, f.Diagnostics.Err())
		case slices.Contains(h.missingIn(f), app) && !h.isDescribed(app):
			return cannotUse(app, f)
		}
	}
	return errors.Join(all...)
}

// mistaken names the apps that are not what their descriptors say. One whose name another app has is named with its file, and a
// file of which nobody knows what apps it has stands for one.
func (h *Host) mistaken() map[string]bool {
	apps := map[string]bool{}
	for _, f := range h.brokenFiles() {
		missing := h.missingIn(f)
		for _, name := range missing {
			switch {
			case !h.runs(name):
			case h.isDescribed(name):
				apps[f.Path+" "+string(name)] = true
			default:
				apps[string(name)] = true
			}
		}
		if len(missing) == 0 {
			apps[f.Path] = true
		}
	}
	return apps
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

// missingIn are the apps that a file has or had and that are not among its descriptors.
func (h *Host) missingIn(f *file) []modgw.AppName {
	missing := slices.Clone(f.Missing)
	for _, c := range h.Claims() {
		if c.File == f.Path && !describes(f, c.App) && !slices.Contains(missing, c.App) {
			missing = append(missing, c.App)
		}
	}
	return missing
}

func cannotUse(app modgw.AppName, f *file) error {
	fault := *f.Diagnostics.Fault()
	fault.Summary = fmt.Sprintf("cannot use the descriptor of app %q: %s", app, fault.Summary)
	return &fault
}

// mistakeStatus is mistake as status shows it.
func (h *Host) mistakeStatus(app modgw.AppName) *modgw.FailureStatus {
	fault, ok := errors.AsType[*modgw.Fault](h.mistake(app))
	if !ok {
		return nil
	}
	h.mu.Lock()
	asOf := h.asOf
	h.mu.Unlock()
	return &modgw.FailureStatus{Code: fault.Code, Error: fault.Line(), Text: fault.Error(), Cause: "descriptor changed", Time: asOf}
}

// logMistakes logs what is wrong with descriptors, once for each mistake.
func (h *Host) logMistakes(files, before []*file) {
	said := map[string]string{}
	warned := map[[2]string]bool{} // file and summary
	for _, f := range before {
		said[f.Path] = mistakeText(f)
		for _, w := range warnings(f) {
			warned[[2]string{f.Path, w.Summary}] = true
		}
	}
	for _, f := range files {
		for _, w := range warnings(f) {
			if !warned[[2]string{f.Path, w.Summary}] {
				h.log.Warn("descriptor has a warning", "code", w.Code, "warning", w.Line(), "hint", w.Detail)
			}
		}
		if text := mistakeText(f); text != "" && text != said[f.Path] {
			h.log.Error("descriptor has mistakes, its apps stay as they last were", "file", f.Path, "error", text)
		}
	}
}

// warnings are those of a file.
func warnings(f *file) []loader.Diagnostic {
	var list []loader.Diagnostic
	for _, d := range f.Diagnostics {
		if d.Severity == loader.Warning {
			list = append(list, d)
		}
	}
	return list
}

// mistakeText is the first mistake in a file; "" when there is none.
func mistakeText(f *file) string {
	if err := f.Diagnostics.Err(); err != nil {
		return err.Error()
	}
	return ""
}
