package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/upgrade"
	"github.com/modgw/modgw/reload"
)

// inheritLock takes over the reservation of the state folder.
func (h *Host) inheritLock() (unlock func(), err error) {
	file := h.config.Predecessor.Take(upgrade.Lock, "", "")
	if file == nil {
		return nil, errors.New("cannot take over: the state folder is not passed")
	}
	h.succession.lock = file
	return func() { file.Close() }, nil
}

// statesOf returns the states of the apps of a host.
func statesOf(s upgrade.State) map[modgw.AppName]modgw.AppState {
	all := map[modgw.AppName]modgw.AppState{}
	for _, app := range s.Apps {
		all[app.Name] = app.State
	}
	return all
}

// inheritApps makes the first generations of apps follow those of the host that is replaced, until
// this one serves.
func (h *Host) inheritApps() {
	p := h.config.Predecessor
	if p == nil || h.ownsState.Load() {
		return
	}
	for _, app := range p.State().Apps {
		if app.Generation == 0 {
			continue
		}
		h.gateway.Inherit(app.Name, modgw.Inherited{
			Number: app.Generation, Wanted: app.Wanted, Scale: app.Scale,
			Identity: app.Identity, Workers: app.Workers,
			Inherit: func(number int, files []*os.File) (modgw.SharedWorker, error) {
				return p.Share(upgrade.ShareRequest{App: app.Name, Generation: app.Generation, Worker: number}, files)
			},
		})
	}
}

// takeOver returns when the host that is replaced lets this one serve. An error means that the
// other host continues.
func (h *Host) takeOver(ctx context.Context, first *firstDeploys, s *sockets) error {
	p := h.config.Predecessor
	preparing, cancel := p.WithCancel(ctx)
	defer cancel()
	if err := first.await(preparing); err != nil {
		return err
	}
	if err := h.checkInheritedApps(first); err != nil {
		return err
	}
	saved := p.Take(upgrade.History, "", "")
	defer saved.Close()
	stopped, changed, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	h.restoreHistory(saved)
	defer h.redeploy(changed)
	s.keep()
	for _, name := range stopped {
		_ = h.gateway.Stop(ctx, name) // one that is not known is not described any more
	}
	h.keepClaims()
	h.writePID()
	return nil
}

// redeploy makes new generations of apps that the other host has reloaded while this one began.
func (h *Host) redeploy(apps []modgw.AppName) {
	for _, name := range apps {
		if r := h.reconciler(name); r != nil {
			r.request(deployRequest{class: reload.Code, cause: "reloaded during the upgrade"})
		}
	}
}

// checkInheritedApps returns an error for the first app, by name, that does not serve although the
// other host serves it and it is still described.
func (h *Host) checkInheritedApps(first *firstDeploys) error {
	missing := map[modgw.AppName]bool{} // their descriptors have mistakes
	for _, c := range h.Claims() {
		missing[c.App] = h.reconciler(c.App) == nil && h.runs(c.App)
	}
	for _, name := range slices.Sorted(maps.Keys(h.inherited)) {
		if h.inherited[name] != modgw.AppServing {
			continue
		}
		err := first.failed[name]
		if err == nil && missing[name] {
			err = errors.New("its descriptor has mistakes, and the last good one cannot be used")
		}
		if err != nil {
			return fmt.Errorf("app %q serves now and would not any more: %w", name, err)
		}
	}
	return nil
}

// keep makes the sockets this host's own that another host had.
func (s *sockets) keep() {
	for _, f := range s.fronts {
		listen.Keep(f.listener)
	}
	for _, l := range s.others() {
		listen.Keep(l)
	}
}

// adopt serves a connection that another host has passed.
func (s *sockets) adopt(c upgrade.Connection, conn net.Conn) {
	for _, f := range s.fronts {
		server, ok := f.server.(interface{ Adopt(net.Conn, bool) })
		if ok && f.settings.Kind == c.Kind && f.settings.Address == c.Address {
			server.Adopt(conn, c.Used)
			return
		}
	}
	conn.Close() // there is no such listener any more
}

// openOrInherit opens a listener, unless the host that is replaced has it.
func (h *Host) openOrInherit(role upgrade.Role, kind string, l modgw.Listener) (net.Listener, error) {
	if p := h.config.Predecessor; p != nil {
		if file := p.Take(role, kind, l.Address); file != nil {
			return listen.Inherit(l, file)
		}
	}
	return listen.Open(l)
}

// succeeded returns the status of the upgrade by which this host began, or nil.
func (h *Host) succeeded() *control.UpgradeStatus {
	if h.config.Predecessor == nil {
		return nil
	}
	return &control.UpgradeStatus{
		From: hostVersion(h.config.Predecessor.State().Version), Draining: len(h.predecessors.all()),
	}
}
