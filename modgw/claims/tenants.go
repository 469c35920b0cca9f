package claims

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Tenants are the rights of users to claims, from the host file. If there are none, each user may
// claim any free place.
type Tenants []modgw.Tenant

// Of returns the tenant for a user.
func (ts Tenants) Of(user string) (modgw.Tenant, bool) {
	i := slices.IndexFunc(ts, func(t modgw.Tenant) bool { return t.User == user })
	if i < 0 {
		return modgw.Tenant{}, false
	}
	return ts[i], true
}

// grant is the kind of permission by which a user may have a place.
type grant int

const (
	noGrant    grant = iota // the user may not have it
	freeGrant               // it is free for the first claim
	mountGrant              // the host file grants the user this mount, in another user's host
)

// grant returns the user's permission for a place. The host's own user may have any place.
func (ts Tenants) grant(user string, p place) grant {
	if len(ts) == 0 || user == "" {
		return freeGrant
	}
	t, _ := ts.Of(user)
	switch {
	case slices.ContainsFunc(t.Mounts, func(m modgw.HostMount) bool { return within(m, p) }):
		return mountGrant
	case p.host != "" && slices.ContainsFunc(t.Hosts, func(pattern string) bool { return covers(pattern, p.host) }):
		return freeGrant
	}
	return noGrant
}

// within reports whether p is the mount m or below it.
func within(m modgw.HostMount, p place) bool {
	if m.Host != p.host && (m.Host == "" || !covers(m.Host, p.host)) {
		return false
	}
	for mount := range upward(p.mount) {
		if mount == m.Mount {
			return true
		}
	}
	return false
}

// covers reports whether wide matches all hosts that narrow matches.
func covers(wide, narrow string) bool {
	below, wild := strings.CutPrefix(wide, "*.")
	if !wild {
		return wide == narrow
	}
	return strings.HasSuffix(strings.TrimPrefix(narrow, "*"), "."+below)
}

// most returns the maximum number of apps of a user, or false if there is no limit.
func (ts Tenants) most(user string) (int, bool) {
	t, ok := ts.Of(user)
	return t.Apps, ok && t.Apps > 0
}

// refusal returns the reason why a claim is not granted, regardless of other claims. It returns
// false if the claim is granted.
func (ts Tenants) refusal(c Claim) (Refusal, bool) {
	if len(ts) == 0 || c.Owner == "" {
		return Refusal{}, false
	}
	if _, ok := ts.Of(c.Owner); !ok {
		return Refusal{Reason: NoTenant}, true
	}
	for _, p := range c.places() {
		if ts.grant(c.Owner, p) == noGrant {
			return Refusal{Reason: NotGranted, Place: p.String()}, true
		}
	}
	return Refusal{}, false
}
