package host

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// handler returns the handler for the requests of all fronts.
func (h *Host) handler() http.Handler {
	if h.dev != nil {
		return h.dev
	}
	if h.config.Script {
		return h.scripted(h.gateway)
	}
	return h.probes.Wrap(h.gateway)
}

// devTimeout is how long a host in development waits for requests and workers when it ends: one may
// be stopped at a breakpoint, and its answer is not needed.
const devTimeout = time.Second

// frontDrain returns how long fronts let requests finish when the host ends; 0: their default.
func (h *Host) frontDrain() time.Duration {
	if h.config.Dev != nil {
		return devTimeout
	}
	return 0
}

// observe handles an event of a generation.
func (h *Host) observe(e modgw.Event) {
	h.noteBlocked(e)
	h.metrics.Observe(e)
	h.history.Observe(e)
	if e.Fault == nil {
		h.predecessors.replaced(e.App)
	}
	if h.dev != nil {
		h.dev.Observe(e)
	}
	if h.config.Observe != nil {
		h.config.Observe(e)
	}
}

// pending makes requests wait, in development, while changed files have not been looked at.
func (h *Host) pending(name modgw.AppName, pending bool) {
	if h.dev != nil {
		h.dev.Pending(name, pending)
	}
}

// catchUp waits until pending was called for every change until now.
func (h *Host) catchUp(ctx context.Context, name modgw.AppName) {
	h.watcher.CatchUp(ctx, name, ownFiles)
}

// holdRequests makes requests wait, in development, while the reconciler has work.
func (h *Host) holdRequests(name modgw.AppName) func() (release func()) {
	if h.dev == nil {
		return nil
	}
	return func() func() { return h.dev.Hold(name) }
}

// watchAssets adds, in development, files to an interest that only browsers read.
func (h *Host) watchAssets(in *reload.Interest, d modgw.Descriptor) {
	if h.dev != nil {
		in.Globs = append(in.Globs, reload.Assets(d)...)
	}
}

// addLocalHosts makes apps of other hosts reachable on this machine: at APP.localhost, and the
// only one at any local name.
func addLocalHosts(all map[modgw.AppName]modgw.Descriptor) {
	for name, d := range all {
		if len(d.Hosts) == 0 {
			continue
		}
		d.Hosts = append(slices.Clone(d.Hosts), strings.ToLower(string(name))+".localhost")
		if len(all) == 1 {
			d.Hosts = append(d.Hosts, "localhost", "127.0.0.1", "[::1]")
		}
		all[name] = d
	}
}
