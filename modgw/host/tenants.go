package host

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/reload"
)

// begin lets tenants move in; they are kept until ctx is done.
func (h *Host) begin(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = ctx
}

// end stops the keepers, so that no generation is made any more. The generations that serve go on.
func (h *Host) end() {
	h.mu.Lock()
	h.running = nil
	tenants := make([]*tenant, 0, len(h.apps))
	for _, t := range h.apps {
		tenants = append(tenants, t)
	}
	h.mu.Unlock()
	for _, t := range tenants {
		t.leave()
	}
}

// leave ends the keeper and returns when it has.
func (t *tenant) leave() {
	t.cancel()
	<-t.ended
}

// deploy is one that was asked for.
type deploy struct {
	app   modgw.AppName
	ended <-chan error // tells how it ended
}

// apply makes the apps what the files say, as one set of changes: gone apps are removed, new ones are deployed, changed ones
// deployed again, and so are those that also chooses. It returns the deploys that it asked for. h.reconciling is held.
func (h *Host) apply(files []*file, cause string, also func(modgw.Descriptor) bool) []deploy {
	wanted := h.wanted(files)
	h.mu.Lock()
	before := h.files
	h.files, h.asOf = files, time.Now()
	h.mu.Unlock()
	h.logMistakes(files, before)
	missing := h.missing(wanted)
	h.evictOthers(wanted, missing)
	h.expect(wanted)
	h.evict(wanted, missing)
	h.excuse(files, missing, wanted, cause)
	var asked []deploy
	for _, d := range wanted {
		if ended := h.house(d, cause, also(d)); ended != nil {
			asked = append(asked, deploy{d.Name, ended})
		}
	}
	h.retryBlocked()
	h.watch(files, wanted)
	if h.config.Changed != nil {
		h.config.Changed(h.Descriptors())
	}
	return asked
}

// expect announces all deploys of a set of changes before the first one begins, so that each app can have the place that
// another one leaves, and requests for a new app wait from the moment at which the old one is gone.
func (h *Host) expect(wanted map[modgw.AppName]modgw.Descriptor) {
	for _, d := range wanted {
		k := h.keeper(d.Name)
		if d.Idle.Start == modgw.StartOnDemand && (k == nil || h.sleeps(d.Name)) {
			continue // it is registered
		}
		if k == nil || !reflect.DeepEqual(k.descriptor(), d) {
			_ = h.gateway.Expect(d) // the deploy says why not
		}
	}
}

// house makes sure that the app of d runs as d says, in a new generation if again is set or anything changed. It returns
// nil when nothing has to be deployed for it.
func (h *Host) house(d modgw.Descriptor, cause string, again bool) <-chan error {
	h.mu.Lock()
	t, running := h.apps[d.Name], h.running
	if running == nil {
		h.mu.Unlock()
		return nil
	}
	fresh := t == nil
	if fresh {
		t = h.moveIn(running, d)
		h.apps[d.Name] = t
	}
	h.mu.Unlock()
	same := !fresh && reflect.DeepEqual(t.keeper.descriptor(), d)
	if same && (!again || h.sleeps(d.Name)) {
		return nil
	}
	h.warnOfPoser(d)
	if d.Idle.Start == modgw.StartOnDemand && (fresh || h.sleeps(d.Name)) {
		t.keeper.adopt(d)
		if h.remembers() {
			h.lastGood.keep(d)
		}
		if err := h.gateway.Register(d); err != nil {
			h.log.Error("app not registered", "app", d.Name, "error", err.Error())
		}
		return nil
	}
	return t.keeper.ask(order{class: reload.Descriptor, cause: cause, descriptor: &d})
}

// waitsForRequest reports whether nothing of an app is to be made before a request comes.
func (h *Host) waitsForRequest(d modgw.Descriptor) bool {
	return d.Idle.Start == modgw.StartOnDemand && h.gateway.State(d.Name) == modgw.AppIdle
}

// isWaiting is waitsForRequest for the app of a name.
func (h *Host) isWaiting(name modgw.AppName) bool {
	k := h.keeper(name)
	return k != nil && h.waitsForRequest(k.descriptor())
}

// sleeps reports whether an app has no workers and should not be woken by a mere change.
func (h *Host) sleeps(name modgw.AppName) bool {
	switch h.gateway.State(name) {
	case "", modgw.AppIdle, modgw.AppStopped:
		return true
	}
	return false
}

// moveIn starts the keeper of a new app. h.mu is held.
func (h *Host) moveIn(running context.Context, d modgw.Descriptor) *tenant {
	ctx, cancel := context.WithCancel(running)
	t := &tenant{keeper: newKeeper(h.gateway, d, !h.config.Dev), cancel: cancel, ended: make(chan struct{})}
	t.keeper.hold = h.holdRequests(d.Name)
	t.keeper.prepare = h.watchApp
	if h.remembers() {
		t.keeper.served = h.lastGood.keep
	}
	t.keeper.warn = func(fault *modgw.Fault) { h.log.Warn("app reloads itself", "app", d.Name, "err", fault) }
	go func() {
		defer close(t.ended)
		t.keeper.run(ctx)
	}()
	return t
}

// evictOthers removes the apps whose names are now those of other users' apps, so that nothing of them is left for these.
func (h *Host) evictOthers(wanted map[modgw.AppName]modgw.Descriptor, missing []claims.Claim) {
	next := slices.Clone(missing)
	for _, d := range wanted {
		next = append(next, claims.Of(d))
	}
	tenants := h.tenants()
	for _, c := range next {
		if t := tenants[c.App]; t != nil && !claims.Of(t.keeper.descriptor()).Continues(c) {
			h.remove(c.App, t)
		}
	}
}

// evict removes the apps that no file describes any more. An app whose descriptor has mistakes stays.
func (h *Host) evict(wanted map[modgw.AppName]modgw.Descriptor, missing []claims.Claim) {
	stays := map[modgw.AppName]bool{}
	for _, c := range missing {
		stays[c.App] = true
	}
	for name, t := range h.tenants() {
		if _, described := wanted[name]; !described && !stays[name] {
			h.remove(name, t)
		}
	}
}

// remove ends an app.
func (h *Host) remove(name modgw.AppName, t *tenant) {
	h.mu.Lock()
	delete(h.apps, name)
	h.mu.Unlock()
	t.leave()
	h.watcher.Forget(name)
	h.lastGood.forget(name)
	if err := h.gateway.Remove(context.Background(), name); err == nil {
		h.log.Info("app removed", "app", name)
		h.unused.nudge()
	}
	h.retryBlocked()
}

// excuse tells of the apps that are missing because of mistakes: one that runs goes on, and the requests of one that does not
// are answered 503.
func (h *Host) excuse(files []*file, missing []claims.Claim, wanted map[modgw.AppName]modgw.Descriptor, cause string) {
	failing, faults := map[modgw.AppName]bool{}, mistakesByFile(files)
	for _, c := range missing {
		fault := faults[c.File]
		if fault == nil {
			fault = modgw.UnknownApp(c.App)
		}
		if h.continues(c) {
			h.gateway.Refuse(c.App, fault, cause)
			continue
		}
		if c.Mount == "" {
			continue // nobody knows which requests are its own
		}
		failing[c.App] = true
		if err := h.gateway.Fail(stub(c), fault, cause); err != nil {
			h.log.Error("app not registered", "app", c.App, "error", err.Error())
		}
	}
	h.mu.Lock()
	before := h.failing
	h.failing = failing
	h.mu.Unlock()
	for name := range before {
		d, described := wanted[name]
		if failing[name] || h.keeper(name) != nil || described && d.Idle.Start != modgw.StartOnDemand {
			continue
		}
		_ = h.gateway.Remove(context.Background(), name) // it is known, and it is registered again if it is described
	}
	h.gateway.SetUnplaced(h.unplaced(files))
}

// unplaced is the mistake in a file of which nobody knows what apps it has, or where they are mounted, since it has been broken
// from the start; nil without one. A file that comes later had no app whose requests could be missed.
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

// mistakesByFile are the first mistakes in those of the files that have any, by the files' paths.
func mistakesByFile(files []*file) map[string]*modgw.Fault {
	all := map[string]*modgw.Fault{}
	for _, f := range files {
		if f.Diagnostics.HasErrors() && all[f.Path] == nil {
			all[f.Path] = f.Diagnostics.Fault()
		}
	}
	return all
}

func (h *Host) tenants() map[modgw.AppName]*tenant {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[modgw.AppName]*tenant, len(h.apps))
	for name, t := range h.apps {
		all[name] = t
	}
	return all
}

// belongs reports whether a descriptor was made from one of the paths.
func belongs(d modgw.Descriptor, paths map[string]bool) bool {
	if paths[d.File] || paths[d.EnvFile] {
		return true
	}
	for path := range paths {
		for _, source := range d.Sources {
			// A source can be a folder that fileset() listed.
			if path == source || strings.HasPrefix(path, source+"/") {
				return true
			}
		}
	}
	return false
}
