package host

import (
	"context"
	"os"
	"reflect"
	"strings"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
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

// apply makes the apps what the files say: new ones are deployed, changed ones deployed again, and so are those that also
// chooses; gone ones are removed. It returns a channel for each deploy that it ordered.
func (h *Host) apply(files []*file, cause string, also func(modgw.Descriptor) bool) []<-chan error {
	wanted := h.wanted(files)
	h.mu.Lock()
	h.files = files
	h.mu.Unlock()
	h.evict(files, wanted)
	var ordered []<-chan error
	for _, d := range wanted {
		if ended := h.house(d, cause, also(d)); ended != nil {
			ordered = append(ordered, ended)
		}
	}
	h.watch(files, wanted)
	if h.config.Changed != nil {
		h.config.Changed(h.Descriptors())
	}
	return ordered
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
	if fresh && d.User == "" && os.Getuid() == 0 && !h.config.Dev {
		h.log.Warn(`app runs as root: give it a user, such as user = "www-data", in its descriptor`, "app", d.Name)
	}
	same := !fresh && reflect.DeepEqual(t.keeper.descriptor(), d)
	if same && (!again || h.sleeps(d.Name)) {
		return nil
	}
	if d.Idle.Start == modgw.StartOnDemand && h.sleeps(d.Name) {
		t.keeper.adopt(d)
		if err := h.gateway.Register(d); err != nil {
			h.log.Error("app not registered", "app", d.Name, "error", err.Error())
		}
		return nil
	}
	if fresh {
		_ = h.gateway.Expect(d) // the deploy says why not
	}
	return t.keeper.ask(order{class: reload.Descriptor, cause: cause, descriptor: &d})
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
	t.keeper.hold = h.hold(d.Name)
	t.keeper.warn = func(fault *modgw.Fault) { h.log.Warn("app reloads itself", "app", d.Name, "err", fault) }
	go func() {
		defer close(t.ended)
		t.keeper.run(ctx)
	}()
	return t
}

// evict removes the apps that no file describes any more. An app whose file has mistakes stays: what it should be cannot
// be told.
func (h *Host) evict(files []*file, wanted map[modgw.AppName]modgw.Descriptor) {
	broken := map[string]loader.Diagnostics{}
	for _, f := range files {
		if f.Diagnostics.HasErrors() {
			broken[f.Path] = f.Diagnostics
		}
	}
	for name, t := range h.tenants() {
		if _, ok := wanted[name]; ok {
			continue
		}
		if diags, ok := broken[t.keeper.descriptor().File]; ok {
			h.gateway.Refuse(name, asFault(diags.Err()), "descriptor changed")
			continue
		}
		h.mu.Lock()
		delete(h.apps, name)
		h.mu.Unlock()
		t.leave()
		h.watcher.Forget(name)
		if err := h.gateway.Remove(context.Background(), name); err == nil {
			h.log.Info("app removed", "app", name)
			h.unused.nudge()
		}
	}
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
