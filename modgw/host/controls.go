package host

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/diagnosis"
	"github.com/modgw/modgw/modgw/probe"
	"github.com/modgw/modgw/reload"
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

// Descriptors implements [control.Host].
func (h *Host) Descriptors() []modgw.Descriptor {
	var all []modgw.Descriptor
	for _, m := range h.managedApps() {
		all = append(all, m.reconciler.descriptor())
	}
	slices.SortFunc(all, func(a, b modgw.Descriptor) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}

// Reload implements [control.Host].
func (h *Host) Reload(ctx context.Context, app modgw.AppName) error {
	h.watcher.RetryEvents()
	known := app == "" || h.reconciler(app) != nil
	asked := h.reconcile("reload", func(d modgw.Descriptor) bool { return known && (app == "" || d.Name == app) })
	switch err := h.mistake(app); {
	case app == "":
		return errors.Join(h.await(ctx, asked), err)
	case err != nil:
		return err
	case !known: // its file has come since, or it is an error
		asked = h.requestDeployOf(app, "reload")
	}
	return h.await(ctx, asked)
}

// Restart implements [control.Host].
func (h *Host) Restart(ctx context.Context, app modgw.AppName) error {
	if err := h.await(ctx, h.requestDeployOf(app, "restart")); err != nil {
		return err
	}
	return h.mistake(app) // the workers are new, the descriptor is not in force
}

// Rollback implements [control.Host].
func (h *Host) Rollback(ctx context.Context, app modgw.AppName) error {
	return h.gateway.Rollback(ctx, app)
}

// StopApp implements [control.Host].
func (h *Host) StopApp(ctx context.Context, app modgw.AppName) error {
	return h.gateway.Stop(ctx, app)
}

// ArmProbes implements [control.Host].
func (h *Host) ArmProbes(lifetime time.Duration) probe.Key { return h.probes.Arm(lifetime) }

// ProbeReport implements [control.Host].
func (h *Host) ProbeReport(id string) (probe.Report, bool) { return h.probes.Report(id) }

// ContinueProbe implements [control.Host].
func (h *Host) ContinueProbe(id string) { h.probes.Continue(id) }

// Logs implements [control.Host].
func (h *Host) Logs(ctx context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
	h.book.Read(ctx, q, yield)
}

// requestDeployOf asks for a new generation of one app; an app that is not known fails at once.
func (h *Host) requestDeployOf(app modgw.AppName, cause string) []pendingDeploy {
	if r := h.reconciler(app); r != nil {
		return []pendingDeploy{{app, r.requestWithResult(deployRequest{class: reload.Descriptor, cause: cause})}}
	}
	err := h.mistake(app)
	if err == nil {
		err = modgw.UnknownApp(app)
	}
	failed := make(chan error, 1)
	failed <- err
	return []pendingDeploy{{app, failed}}
}

// await returns when all requested deploys have ended, with the errors of those that failed.
func (h *Host) await(ctx context.Context, asked []pendingDeploy) error {
	var failed []error
	for _, d := range asked {
		select {
		case err := <-d.ended:
			if err != nil {
				failed = append(failed, err)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return errors.Join(failed...)
}
