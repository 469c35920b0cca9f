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

// entrance is where requests come in.
func (h *Host) entrance() http.Handler {
	if h.dev != nil {
		return h.dev
	}
	if h.config.Script {
		return h.scripted(h.gateway)
	}
	return h.gateway
}

// developersPatience is how long a host in development waits, when it ends, for requests and for workers: one may sit at a
// breakpoint, and nobody else needs the answer.
const developersPatience = time.Second

// frontDrain is how long fronts let requests finish when the host ends; 0 leaves that to them.
func (h *Host) frontDrain() time.Duration {
	if h.config.Dev {
		return developersPatience
	}
	return 0
}

// observe passes on what became of a generation.
func (h *Host) observe(e modgw.Event) {
	h.noteBlocked(e)
	if h.dev != nil {
		h.dev.Observe(e)
	}
	if h.config.Observe != nil {
		h.config.Observe(e)
	}
}

// pending lets requests wait, in development, while files have changed that nobody has looked at yet.
func (h *Host) pending(name modgw.AppName, pending bool) {
	if h.dev != nil {
		h.dev.Pending(name, pending)
	}
}

// catchUp waits until pending was told of every change until now.
func (h *Host) catchUp(ctx context.Context, name modgw.AppName) {
	h.watcher.CatchUp(ctx, name, ownFiles)
}

// holdRequests lets requests wait, in development, for what a keeper was asked for.
func (h *Host) holdRequests(name modgw.AppName) func() (release func()) {
	if h.dev == nil {
		return nil
	}
	return func() func() { return h.dev.Hold(name) }
}

// watchAssets adds, in development, the files to an interest that only browsers read.
func (h *Host) watchAssets(in *reload.Interest, d modgw.Descriptor) {
	if h.dev != nil {
		in.Globs = append(in.Globs, reload.Assets(d)...)
	}
}

// bringHome lets apps that belong to hosts elsewhere be asked on this machine: at APP.localhost, and the only one at any
// local name.
func bringHome(all map[modgw.AppName]modgw.Descriptor) {
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
