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
	return slices.Clone(h.held)
}

// recallClaims reads what apps had when the host last ran.
func (h *Host) recallClaims() {
	table, err := h.claims.Read()
	if err != nil {
		h.log.Warn("kept claims not used, apps have what their descriptors say", "error", err.Error())
	}
	h.mu.Lock()
	h.held = table
	h.mu.Unlock()
}

// hold notes what each app has from now on, also for the time after a restart.
func (h *Host) hold(table []claims.Claim) {
	h.mu.Lock()
	same := h.held != nil && slices.EqualFunc(h.held, table, claims.Claim.Equal)
	h.held = append([]claims.Claim{}, table...)
	h.mu.Unlock()
	if same {
		return
	}
	if err := h.claims.Write(table); err != nil {
		h.log.Warn("claims not kept for the next start", "error", err.Error())
	}
}

// missing are the claims of apps that are to be served and are not among wanted: their descriptors have mistakes.
func (h *Host) missing(wanted map[modgw.AppName]modgw.Descriptor) []claims.Claim {
	return slices.DeleteFunc(h.Claims(), func(c claims.Claim) bool {
		_, there := wanted[c.App]
		return there || !h.runs(c.App)
	})
}

// recallDescriptor is the descriptor with which an app without a usable one was last served, at the places that it has; false
// when there is none, or when the app runs.
func (h *Host) recallDescriptor(c claims.Claim) (modgw.Descriptor, bool) {
	if !h.remembers() || c.Mount == "" || h.continues(c) {
		return modgw.Descriptor{}, false
	}
	d, ok, err := h.lastGood.read(c.App)
	if err != nil {
		h.log.Warn("last good descriptor not used", "app", c.App, "error", err.Error())
	}
	if !ok || !claims.Of(d).Continues(c) {
		return modgw.Descriptor{}, false
	}
	d.Hosts, d.Mount = c.Hosts, c.Mount
	return d, true
}

// remembers reports whether apps are served again as they last were. A developer wants to see the mistake.
func (h *Host) remembers() bool { return !h.config.Dev && !h.config.Script }

// continues reports whether the app of a claim runs here already.
func (h *Host) continues(c claims.Claim) bool {
	h.mu.Lock()
	t := h.apps[c.App]
	h.mu.Unlock()
	return t != nil && claims.Of(t.keeper.descriptor()).Continues(c)
}

// stub is what is known of an app whose descriptor cannot be used.
func stub(c claims.Claim) modgw.Descriptor {
	return modgw.Descriptor{Name: c.App, File: c.File, Owner: c.Owner, Hosts: c.Hosts, Mount: cmp.Or(c.Mount, "/")}
}

// tidyLastGood removes the descriptors of apps that ended while no host ran.
func (h *Host) tidyLastGood() {
	served := map[modgw.AppName]bool{}
	for _, c := range h.Claims() {
		served[c.App] = true
	}
	h.lastGood.tidy(served)
}
