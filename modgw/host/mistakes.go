package host

import (
	"errors"
	"fmt"
	"slices"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
)

// brokenFiles returns the descriptor files with mistakes.
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

// mistake returns the mistake because of which an app does not follow its descriptor, or all
// mistakes for ""; nil when there is none.
func (h *Host) mistake(app modgw.AppName) error {
	if app != "" {
		if f := h.mistakes()[app]; f != nil {
			return cannotUse(app, f)
		}
		return nil
	}
	var all []error
	for _, f := range h.brokenFiles() {
		all = append(all, f.Diagnostics.Err())
	}
	return errors.Join(all...)
}

// mistakes returns the apps that do not follow their descriptors, with the first file whose
// mistakes are the cause.
func (h *Host) mistakes() map[modgw.AppName]*file {
	broken := h.brokenFiles()
	missing, described := h.missingIn(broken), h.describedApps()
	all := map[modgw.AppName]*file{}
	for _, f := range broken {
		for _, name := range missing[f] {
			if all[name] == nil && !described[name] {
				all[name] = f
			}
		}
	}
	return all
}

// failedApps names the apps that do not follow their descriptors. An app whose name another app has
// is named with its file. A file whose apps are unknown counts as one.
func (h *Host) failedApps() map[string]bool {
	apps := map[string]bool{}
	broken := h.brokenFiles()
	missing, described := h.missingIn(broken), h.describedApps()
	for _, f := range broken {
		for _, name := range missing[f] {
			switch {
			case !h.runs(name):
			case described[name]:
				apps[f.Path+" "+string(name)] = true
			default:
				apps[string(name)] = true
			}
		}
		if len(missing[f]) == 0 {
			apps[f.Path] = true
		}
	}
	return apps
}

// describedApps returns the apps that have a descriptor without mistakes.
func (h *Host) describedApps() map[modgw.AppName]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[modgw.AppName]bool{}
	for _, f := range h.files {
		for _, d := range f.Descriptors {
			all[d.Name] = true
		}
	}
	return all
}

func describes(f *file, app modgw.AppName) bool {
	return slices.ContainsFunc(f.Descriptors, func(d modgw.Descriptor) bool { return d.Name == app })
}

// missingIn returns the apps that each of the files describes or described, and that are not
// among its descriptors.
func (h *Host) missingIn(files []*file) map[*file][]modgw.AppName {
	missing, byPath := map[*file][]modgw.AppName{}, map[string]*file{}
	for _, f := range files {
		missing[f], byPath[f.Path] = slices.Clone(f.Missing), f
	}
	for _, c := range h.Claims() {
		f := byPath[c.File]
		if f != nil && !describes(f, c.App) && !slices.Contains(missing[f], c.App) {
			missing[f] = append(missing[f], c.App)
		}
	}
	return missing
}

func cannotUse(app modgw.AppName, f *file) *modgw.Fault {
	fault := *f.Diagnostics.Fault()
	fault.Summary = fmt.Sprintf("cannot use the descriptor of app %q: %s", app, fault.Summary)
	return &fault
}

// mistakeStatus is the mistake in a file as the status of an app shows it; nil without a file.
func (h *Host) mistakeStatus(app modgw.AppName, f *file) *modgw.FailureStatus {
	if f == nil {
		return nil
	}
	fault := cannotUse(app, f)
	h.mu.Lock()
	asOf := h.filesRead
	h.mu.Unlock()
	return &modgw.FailureStatus{Code: fault.Code, Error: fault.Line(), Text: fault.Error(), Cause: "descriptor changed", Time: asOf}
}

// logMistakes logs the mistakes in descriptors, each once.
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

// warnings returns the warnings about a file.
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
