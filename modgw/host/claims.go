package host

import (
	"cmp"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
)

// Claims implements [control.Host].
func (h *Host) Claims() []claims.Claim {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.claimed)
}

// readClaims reads the claims of the host's last run. An error matters only if another host is
// replaced, which can read them.
func (h *Host) readClaims() error {
	table, err := h.claims.Read()
	if err != nil && h.config.Predecessor != nil {
		return err
	}
	if err != nil {
		h.log.Warn("kept claims not used, apps have what their descriptors say", "error", err.Error())
	}
	h.mu.Lock()
	h.claimed = table
	h.mu.Unlock()
	return nil
}

// setClaims sets the claims of each app, also for after a restart.
func (h *Host) setClaims(table []claims.Claim) {
	h.mu.Lock()
	same := h.claimed != nil && slices.EqualFunc(h.claimed, table, claims.Claim.Equal)
	h.claimed = append([]claims.Claim{}, table...)
	h.archives.Load().Bound(table, h.file.Tenants)
	h.mu.Unlock()
	if !same && h.ownsState.Load() {
		h.keepClaims()
	}
}

// keepClaims writes the claims for the next start.
func (h *Host) keepClaims() {
	if err := h.claims.Write(h.Claims()); err != nil {
		h.log.Warn("claims not kept for the next start", "error", err.Error())
	}
}

// missing returns the claims of apps that this host should serve and that are not in wanted,
// because their descriptors have mistakes.
func (h *Host) missing(wanted map[modgw.AppName]modgw.Descriptor) []claims.Claim {
	return slices.DeleteFunc(h.Claims(), func(c claims.Claim) bool {
		_, there := wanted[c.App]
		return there || !h.runs(c.App)
	})
}

// lastGoodDescriptor returns the descriptor with which an app was last served, at the places that
// its claim has. It reports false when there is none, or when the app runs.
func (h *Host) lastGoodDescriptor(c claims.Claim) (modgw.Descriptor, bool) {
	if !h.servesLastGood() || c.Mount == "" || h.isManaged(c) {
		return modgw.Descriptor{}, false
	}
	d, ok, err := h.lastGood.read(c.App)
	if err != nil {
		h.log.Warn("last good descriptor not used", "app", c.App, "error", err.Error())
	}
	if !ok || !claims.Of(d).Continues(c) {
		return modgw.Descriptor{}, false
	}
	d.Hosts, d.Mount, d.MountMatch = c.Hosts, c.Mount, c.Match
	tenant := h.tenant(d.Owner)
	tenant.Ceilings.Lower(&d)
	d.DiskQuota = tenant.Disk
	return d, true
}

// tenant returns the limits of a user's claims; the zero tenant has no ceilings.
func (h *Host) tenant(user string) modgw.Tenant {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, _ := claims.Tenants(h.file.Tenants).Of(user)
	return t
}

// servesLastGood reports whether an app with a broken descriptor is served with its last good
// one. A developer wants to see the mistake instead.
func (h *Host) servesLastGood() bool { return h.config.Dev == nil && !h.config.Script }

// isManaged reports whether the app of a claim runs on this host.
func (h *Host) isManaged(c claims.Claim) bool {
	h.mu.Lock()
	m := h.apps[c.App]
	h.mu.Unlock()
	return m != nil && claims.Of(m.reconciler.descriptor()).Continues(c)
}

// stubDescriptor returns the known parts of an app whose descriptor cannot be used.
func stubDescriptor(c claims.Claim) modgw.Descriptor {
	return modgw.Descriptor{Name: c.App, File: c.File, Owner: c.Owner, Hosts: c.Hosts, Mount: cmp.Or(c.Mount, "/"), MountMatch: c.Match}
}

// removeUnservedDescriptors removes the last good descriptors of apps that ended while no host
// ran.
func (h *Host) removeUnservedDescriptors() {
	served := map[modgw.AppName]bool{}
	for _, c := range h.Claims() {
		served[c.App] = true
	}
	h.lastGood.removeUnserved(served)
}
