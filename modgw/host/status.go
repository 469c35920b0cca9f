package host

import (
	"os"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
)

// Status implements [control.Host].
func (h *Host) Status() control.Status {
	s := control.Status{
		Version:   h.config.Version,
		PID:       os.Getpid(),
		Started:   h.started,
		Upgrade:   h.succeeded(),
		File:      h.config.File,
		State:     h.State(),
		Listeners: []control.ListenerStatus{},
		Apps:      []control.AppStatus{},
		Broken:    []control.BrokenFile{},
	}
	for _, f := range h.newFronts() {
		l := f.settings
		s.Listeners = append(s.Listeners, control.ListenerStatus{Kind: l.Protocol(), Address: l.Address, Public: l.Public()})
	}
	mistakes, meters := h.mistakes(), h.meters()
	apps := h.gateway.Status()
	located := h.locate(apps, meters)
	for _, app := range apps {
		mistaken := app.Failure == nil && mistakes[app.App] != nil
		if mistaken {
			app.Failure = h.mistakeStatus(app.App, mistakes[app.App])
		}
		watch := h.watcher.Status(app.App)
		if watch.Mode == modgw.ReloadOff && h.isWaiting(app.App) {
			watch.Reason = "the app waits for a request"
		}
		about := h.diagnose(&app, watch.Degraded, mistaken, meters[app.App], located[app.App])
		s.Apps = append(s.Apps, control.AppStatus{AppStatus: app, Diagnosis: about, Watch: control.WatchStatus{
			Mode:        string(watch.Mode),
			Reason:      watch.Reason,
			Degraded:    watch.Degraded,
			Folders:     watch.Watched,
			Directories: watch.Folders,
			Files:       watch.Files,
			LastEvent:   watch.LastEvent,
		}})
	}
	broken := h.brokenFiles()
	missing := h.missingIn(broken)
	var files []diagnosis.BrokenFile
	for _, f := range broken {
		var text strings.Builder
		_ = f.Diagnostics.WriteText(&text, false) // a strings.Builder takes everything
		about := diagnosis.BrokenFile{Mistake: f.Diagnostics.Fault(), Unserved: unserved(missing[f], s.Apps)}
		files = append(files, about)
		s.Broken = append(s.Broken, control.BrokenFile{
			File: f.Path, Owner: f.Owner, Apps: missing[f], Diagnostics: text.String(), Diagnosis: diagnosis.OfFile(about),
		})
	}
	s.Diagnosis = h.diagnoseHost(files)
	return s
}

// unserved returns the apps that have no generation.
func unserved(names []modgw.AppName, apps []control.AppStatus) (left []modgw.AppName) {
	for _, name := range names {
		if !slices.ContainsFunc(apps, func(a control.AppStatus) bool { return a.App == name && a.Generation != nil }) {
			left = append(left, name)
		}
	}
	return left
}
