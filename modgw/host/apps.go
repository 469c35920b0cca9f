package host

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/reload"
)

// startReconciling lets apps be added. Their reconcilers run until ctx is done.
func (h *Host) startReconciling(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reconciling = ctx
}

// stopReconcilers returns when no generation is being made any more. Generations that serve stay.
func (h *Host) stopReconcilers() {
	h.mu.Lock()
	h.reconciling = nil
	apps := make([]*managedApp, 0, len(h.apps))
	for _, m := range h.apps {
		apps = append(apps, m)
	}
	h.mu.Unlock()
	for _, m := range apps {
		m.stop()
	}
}

// stop ends the reconciler and returns when it has ended.
func (m *managedApp) stop() {
	m.cancel()
	<-m.ended
}

// pendingDeploy is a deploy that was requested.
type pendingDeploy struct {
	app   modgw.AppName
	ended <-chan error // receives the outcome
}

// apply makes the apps match the files, as one set of changes: it removes apps that are no longer
// described, deploys new ones, and redeploys those that have changed or that again selects. It
// returns the deploys that it requested. h.reconcileLock is held.
func (h *Host) apply(files []*file, cause string, again func(modgw.Descriptor) bool) []pendingDeploy {
	h.mu.Lock()
	if h.reconciling == nil {
		h.mu.Unlock()
		return nil
	}
	before := h.files
	h.files, h.filesRead = files, time.Now()
	h.mu.Unlock()
	wanted := h.wanted(files)
	h.logMistakes(files, before)
	missing := h.missing(wanted)
	h.removeReplaced(wanted, missing)
	h.announceDeploys(wanted)
	h.inheritApps()
	h.removeUndescribed(wanted, missing)
	h.reportMissing(files, missing, wanted, cause)
	var asked []pendingDeploy
	for _, d := range wanted {
		if ended := h.ensure(d, cause, again(d)); ended != nil {
			asked = append(asked, pendingDeploy{d.Name, ended})
		}
	}
	h.retryBlocked()
	h.watch(files, wanted)
	if h.config.Changed != nil {
		h.config.Changed(h.Descriptors())
	}
	return asked
}

// announceDeploys announces all deploys of a set of changes before the first one begins. Each app
// can then have the place that another one leaves, and requests for a new app wait as soon as the
// old one has left.
func (h *Host) announceDeploys(wanted map[modgw.AppName]modgw.Descriptor) {
	for _, d := range wanted {
		r := h.reconciler(d.Name)
		if d.Idle.Start == modgw.StartOnDemand && (r == nil || h.runsNothing(d.Name)) {
			continue // it is registered
		}
		if r == nil || !reflect.DeepEqual(r.descriptor(), d) {
			_ = h.gateway.Expect(d) // the deploy reports the error
		}
	}
}

// ensure makes the app of d run according to d, in a new generation if redeploy is set or d has
// changed. It returns nil if no deploy is needed.
func (h *Host) ensure(d modgw.Descriptor, cause string, redeploy bool) <-chan error {
	h.mu.Lock()
	m, running := h.apps[d.Name], h.reconciling
	if running == nil {
		h.mu.Unlock()
		return nil
	}
	fresh := m == nil
	if fresh {
		m = h.add(running, d)
		h.apps[d.Name] = m
	}
	h.mu.Unlock()
	same := !fresh && reflect.DeepEqual(m.reconciler.descriptor(), d)
	if same && (!redeploy || h.runsNothing(d.Name)) {
		return nil
	}
	h.warnOfImpersonation(d)
	before := modgw.AppState("")
	if fresh && !h.ownsState.Load() { // later ones are not those of the other host
		before = h.inherited[d.Name]
	}
	isIdle := d.Idle.Start == modgw.StartOnDemand && (fresh || h.runsNothing(d.Name))
	if isIdle && before != modgw.AppServing || before == modgw.AppStopped {
		h.register(m, d, before)
		return nil
	}
	return m.reconciler.requestWithResult(deployRequest{class: reload.Descriptor, cause: cause, descriptor: &d})
}

// register makes an app known that is not deployed now: it waits for a request, or was stopped
// before.
func (h *Host) register(m *managedApp, d modgw.Descriptor, before modgw.AppState) {
	m.reconciler.setDescriptor(d)
	if h.servesLastGood() {
		h.lastGood.store(d)
	}
	err := h.gateway.Register(d)
	if err == nil && before == modgw.AppStopped {
		err = h.gateway.Stop(context.Background(), d.Name) // there is nothing to wait for
	}
	if err != nil {
		h.log.Error("app not registered", "app", d.Name, "error", err.Error())
	}
}

// waitsForRequest reports whether an app starts with its first request, which has not come.
func (h *Host) waitsForRequest(d modgw.Descriptor) bool {
	return d.Idle.Start == modgw.StartOnDemand && h.gateway.State(d.Name) == modgw.AppIdle
}

// isWaiting is waitsForRequest by name; false for an unknown app.
func (h *Host) isWaiting(name modgw.AppName) bool {
	r := h.reconciler(name)
	return r != nil && h.waitsForRequest(r.descriptor())
}

// runsNothing reports whether an app has no workers and a changed file should start none.
func (h *Host) runsNothing(name modgw.AppName) bool {
	switch h.gateway.State(name) {
	case "", modgw.AppIdle, modgw.AppStopped:
		return true
	}
	return false
}

// add starts the reconciler of a new app. h.mu is held.
func (h *Host) add(running context.Context, d modgw.Descriptor) *managedApp {
	ctx, cancel := context.WithCancel(running)
	m := &managedApp{
		reconciler: newReconciler(h.gateway, d, h.config.Dev == nil),
		cancel:     cancel,
		ended:      make(chan struct{}),
	}
	m.reconciler.hold = h.holdRequests(d.Name)
	m.reconciler.beforeDeploy = h.watchApp
	if h.servesLastGood() {
		m.reconciler.onServed = h.lastGood.store
	}
	m.reconciler.warn = func(fault *modgw.Fault) {
		h.log.Warn("app reloads itself", "app", d.Name, "error", fault)
	}
	go func() {
		defer close(m.ended)
		m.reconciler.run(ctx)
	}()
	return m
}

// removeReplaced removes the apps whose names now belong to apps of other users, which must not get
// any of their data.
func (h *Host) removeReplaced(wanted map[modgw.AppName]modgw.Descriptor, missing []claims.Claim) {
	next := slices.Clone(missing)
	for _, d := range wanted {
		next = append(next, claims.Of(d))
	}
	apps := h.managedApps()
	for _, c := range next {
		if m := apps[c.App]; m != nil && !claims.Of(m.reconciler.descriptor()).Continues(c) {
			h.remove(c.App, m)
		}
	}
}

// removeUndescribed removes the apps that no file describes any more. An app whose descriptor has
// mistakes stays.
func (h *Host) removeUndescribed(wanted map[modgw.AppName]modgw.Descriptor, missing []claims.Claim) {
	stays := map[modgw.AppName]bool{}
	for _, c := range missing {
		stays[c.App] = true
	}
	for name, m := range h.managedApps() {
		if _, described := wanted[name]; !described && !stays[name] {
			h.remove(name, m)
		}
	}
}

// remove ends an app and forgets it.
func (h *Host) remove(name modgw.AppName, m *managedApp) {
	h.mu.Lock()
	delete(h.apps, name)
	delete(h.outside, name)
	h.mu.Unlock()
	m.stop()
	h.watcher.Forget(name)
	h.lastGood.remove(name)
	h.samples.remove(name)
	h.history.Remove(name)
	h.loops.forget(name)
	if err := h.gateway.Remove(name); err == nil {
		h.log.Info("app removed", "app", name)
		h.removePrivate(name)
		h.unused.wake()
	}
	h.retryBlocked()
}

// reportMissing reports the apps that are missing because their descriptors have mistakes. Those
// that run go on; requests for the others are answered 503.
func (h *Host) reportMissing(files []*file, missing []claims.Claim, wanted map[modgw.AppName]modgw.Descriptor, cause string) {
	failing, faults := map[modgw.AppName]bool{}, mistakesByFile(files)
	for _, c := range missing {
		fault := faults[c.File]
		if fault == nil {
			fault = modgw.UnknownApp(c.App)
		}
		if h.isManaged(c) {
			h.gateway.Refuse(c.App, fault, cause)
			continue
		}
		if c.Mount == "" {
			continue // which requests are its own is not known
		}
		failing[c.App] = true
		if err := h.gateway.Fail(stubDescriptor(c), fault, cause); err != nil {
			h.log.Error("app not registered", "app", c.App, "error", err.Error())
		}
	}
	h.mu.Lock()
	before := h.failing
	h.failing = failing
	h.mu.Unlock()
	for name := range before {
		d, described := wanted[name]
		if failing[name] || h.reconciler(name) != nil || described && d.Idle.Start != modgw.StartOnDemand {
			continue
		}
		// If it is described, it is registered again.
		_ = h.gateway.Remove(name)
	}
	h.gateway.SetUnplaced(h.unplaced(files))
}

// unplaced returns the mistake in a file whose apps or mounts are unknown, because it has been
// broken since the start, or nil. A file that is added later had no app before.
func (h *Host) unplaced(files []*file) (fault *modgw.Fault) {
	claimed, unplaced := map[string]bool{}, map[string]bool{}
	for _, c := range h.Claims() {
		claimed[c.File] = true
		unplaced[c.File] = unplaced[c.File] || c.Mount == ""
	}
	before, now := h.unread, map[string]bool{}
	for _, f := range files {
		nothing := f.Path != "" && len(f.Descriptors)+len(f.Missing) == 0 && !claimed[f.Path]
		if !f.Diagnostics.HasErrors() || !nothing && !unplaced[f.Path] || before != nil && !before[f.Path] {
			continue
		}
		now[f.Path] = true
		fault = f.Diagnostics.Fault()
	}
	h.unread = now
	return fault
}

// mistakesByFile returns the first mistake of each file that has one, by path.
func mistakesByFile(files []*file) map[string]*modgw.Fault {
	all := map[string]*modgw.Fault{}
	for _, f := range files {
		if f.Diagnostics.HasErrors() && all[f.Path] == nil {
			all[f.Path] = f.Diagnostics.Fault()
		}
	}
	return all
}

func (h *Host) managedApps() map[modgw.AppName]*managedApp {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.apps)
}

// belongs reports whether a descriptor was read from one of the paths.
func belongs(d modgw.Descriptor, paths map[string]bool) bool {
	if paths[d.File] || paths[d.EnvFile] {
		return true
	}
	for path := range paths {
		for _, source := range d.Sources {
			// A source is a folder where fileset() listed one.
			if path == source || strings.HasPrefix(path, source+"/") {
				return true
			}
		}
	}
	return false
}
