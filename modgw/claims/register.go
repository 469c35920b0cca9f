package claims

import "github.com/modgw/modgw/modgw"

// register records the owners of names and places. Claims that were added earlier come first: a
// host belongs to the user of its first claim.
type register struct {
	tenants Tenants
	apps    map[string]int // by owner

	names  map[modgw.AppName]Claim
	places map[place]Claim
	hosts  map[string]Claim // by pattern
	below  map[string]users // by wildcard: users with a host that it covers

	mounts map[modgw.MountPath]users // at any host: users with a mount at this path or below it
	own    map[modgw.MountPath]users // at any host: users with a mount at exactly this path
}

// users maps each user to one claim.
type users map[string]Claim

func newRegister(tenants Tenants) *register {
	return &register{
		tenants: tenants,
		apps:    map[string]int{},

		names:  map[modgw.AppName]Claim{},
		places: map[place]Claim{},
		hosts:  map[string]Claim{},
		below:  map[string]users{},
		mounts: map[modgw.MountPath]users{},
		own:    map[modgw.MountPath]users{},
	}
}

// add records the name of a claim and some of its places.
func (r *register) add(c Claim, places []place) {
	if _, known := r.names[c.App]; !known {
		r.apps[c.Owner]++
	}
	r.names[c.App] = c
	for _, p := range places {
		r.places[p] = c
		if p.host == "" {
			note(r.own, p.mount, c)
			for mount := range upward(p.mount) {
				note(r.mounts, mount, c)
			}
			continue
		}
		if _, known := r.hosts[p.host]; known {
			continue
		}
		r.hosts[p.host] = c
		for _, wildcard := range p.above() {
			note(r.below, wildcard, c)
		}
	}
}

func note[K comparable](all map[K]users, key K, c Claim) {
	if all[key] == nil {
		all[key] = users{}
	}
	if _, known := all[key][c.Owner]; !known {
		all[key][c.Owner] = c
	}
}

// checkName reports whether the name of a claim is free. If it is not, the refusal contains its
// owner.
func (r *register) checkName(c Claim) (Refusal, bool) {
	by, taken := r.names[c.App]
	return Refusal{Reason: NameTaken, By: by}, !taken
}

// checkNumber reports whether the owner of a claim may have one more app.
func (r *register) checkNumber(c Claim) (Refusal, bool) {
	most, bounded := r.tenants.most(c.Owner)
	return Refusal{Reason: TooManyApps}, !bounded || r.apps[c.Owner] < most
}

// check reports whether the places of a claim can be added. If they cannot, the refusal contains
// the conflict. This function alone defines which claims of users are compatible.
func (r *register) check(c Claim) (Refusal, bool) {
	if refusal, refused := r.tenants.refusal(c); refused {
		return refusal, false
	}
	for _, p := range c.places() {
		if by, taken := r.places[p]; taken {
			if by.App == c.App {
				continue // its own previous place
			}
			return Refusal{Reason: PlaceTaken, Place: p.String(), By: by}, false
		}
		if c.Owner == "" || r.tenants.grant(c.Owner, p) == mountGrant {
			continue // the host's own user may add to any host, and may grant mounts
		}
		if by, taken := r.othersHost(p, c.Owner); taken {
			return Refusal{Reason: HostTaken, Place: p.String(), By: by}, false
		}
		if by, taken := r.othersMount(p, c.Owner); taken {
			return Refusal{Reason: MountTaken, Place: p.String(), By: by}, false
		}
	}
	return Refusal{}, true
}

// othersHost returns the claim by which the host of p belongs to a user other than owner.
func (r *register) othersHost(p place, owner string) (Claim, bool) {
	if p.host == "" {
		return Claim{}, false // any host means the hosts without a claim
	}
	if by, known := r.hosts[p.host]; known {
		return by, by.Owner != owner
	}
	for _, wildcard := range p.above() {
		if by, known := r.hosts[wildcard]; known && by.Owner != owner {
			return by, true
		}
	}
	return r.below[p.host].otherThan(owner) // no host is below one that is not a wildcard
}

// othersMount returns the claim because of which p, at any host, is inside or around a mount of a
// user other than owner.
func (r *register) othersMount(p place, owner string) (Claim, bool) {
	if p.host != "" {
		return Claim{}, false
	}
	for mount := range upward(p.mount) {
		if by, known := r.own[mount].otherThan(owner); known {
			return by, true
		}
	}
	return r.mounts[p.mount].otherThan(owner)
}

// otherThan returns a claim of a user other than owner; if there are several, the claim of the user
// whose name sorts first.
func (u users) otherThan(owner string) (first Claim, found bool) {
	for user, c := range u {
		if user != owner && (!found || user < first.Owner) {
			first, found = c, true
		}
	}
	return first, found
}

// upward yields a mount and the paths that it is inside of, up to "/".
func upward(m modgw.MountPath) func(yield func(modgw.MountPath) bool) {
	return func(yield func(modgw.MountPath) bool) {
		for end := len(m); end > 1; {
			if !yield(m[:end]) {
				return
			}
			for end--; end > 0 && m[end] != '/'; end-- {
			}
		}
		yield("/")
	}
}
