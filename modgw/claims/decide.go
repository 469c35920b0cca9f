package claims

import (
	"slices"

	"github.com/modgw/modgw/modgw"
)

// Files describes the state of the descriptors that the claims come from.
type Files struct {
	// Broken reports whether a descriptor has a mistake: an app that is missing in it is not gone.
	Broken func(file string) bool

	// Elsewhere reports whether a descriptor that was not read this time still exists. nil:
	// descriptors that were not read are gone.
	Elsewhere func(file string) bool
}

// Wanted is a claim that a descriptor makes now.
type Wanted struct {
	Claim
	Mistaken bool // the app cannot be served, because of another mistake in its descriptor
}

// Refusal is the reason why an app does not get the places that its descriptor claims.
type Refusal struct {
	Reason Reason // reason of the refusal
	Place  string // host and mount that the refused app claims; "" if its name is taken
	By     Claim  // claim of the owner
}

// Reason is the kind of conflict of a claim.
type Reason int

// The reasons.
const (
	NameTaken   Reason = iota // another descriptor has an app of that name
	PlaceTaken                // another app has the same host and mount
	HostTaken                 // the host, or one that the wildcard covers, belongs to another user
	MountTaken                // at any host: a mount of another user is inside or around it
	NoTenant                  // the host file has tenants, and the owner is not one of them
	NotGranted                // the host file does not grant the place to the owner
	TooManyApps               // the owner has as many apps as the host file allows
)

// Decide compares the claims of the descriptors with the claims that apps have held until now. It
// returns the claims held from now on, and a refusal for each element of wanted whose claim is not
// granted.
//
// All changes are one set: two apps may exchange their mounts, and a new app may take a place that
// another app leaves. An app that cannot get its new place keeps its old one, and so does an app
// whose descriptor has a mistake. An app loses a place that its tenant may not have, even while the
// place is served.
func Decide(held []Claim, wanted []Wanted, files Files, tenants Tenants) (table []Claim, refused map[int]Refusal) {
	d := &decision{wanted: wanted, tenants: tenants, refused: map[int]Refusal{}, kept: map[int]bool{}}
	d.match(held, files)
	for !d.try() {
	}
	return d.table, d.refused
}

// decision is the state of a call of Decide.
type decision struct {
	wanted  []Wanted
	tenants Tenants
	refused map[int]Refusal

	incumbents []incumbent
	newcomers  []int        // indices of wanted
	kept       map[int]bool // incumbents whose new claim was refused, so that they keep the old one
	table      []Claim
}

// incumbent is an app that already has a claim.
type incumbent struct {
	held Claim
	next int // index of its new claim in wanted; -1: its descriptor is broken
}

// match determines the successor of each held claim.
func (d *decision) match(held []Claim, files Files) {
	byName := map[modgw.AppName][]int{}
	for i, w := range d.wanted {
		byName[w.App] = append(byName[w.App], i)
	}
	taken := map[int]bool{}
	for _, h := range held {
		if _, lost := d.tenants.refusal(h); lost {
			continue // its descriptor counts as a newcomer's
		}
		next, stays := d.successor(h, byName[h.App], taken, files)
		switch {
		case next >= 0:
			taken[next] = true
			if w := d.wanted[next]; w.Mistaken && h.Mount != "" {
				h.File, h.Owner, next = w.File, w.Owner, -1
			}
			d.incumbents = append(d.incumbents, incumbent{h, next})
		case stays || files.Elsewhere != nil && files.Elsewhere(h.File):
			d.incumbents = append(d.incumbents, incumbent{h, -1})
		}
	}
	for i := range d.wanted {
		if !taken[i] {
			d.newcomers = append(d.newcomers, i)
		}
	}
	slices.SortStableFunc(d.newcomers, func(a, b int) int { return d.wanted[a].rank() - d.wanted[b].rank() })
}

// rank orders newcomers: the apps of the host's own user come first, and apps that cannot be served
// anyway come last.
func (w Wanted) rank() int {
	switch {
	case w.Mistaken:
		return 2
	case w.Owner != "":
		return 1
	}
	return 0
}

// successor returns the index of the claim that continues h, or -1. stays reports whether h remains
// without a successor.
func (d *decision) successor(h Claim, same []int, taken map[int]bool, files Files) (next int, stays bool) {
	moved := -1
	for _, i := range same {
		switch w := d.wanted[i]; {
		case taken[i]:
		case !h.Continues(w.Claim):
		case w.File == h.File:
			return i, false
		case moved < 0:
			moved = i
		}
	}
	if files.Broken(h.File) {
		return -1, true
	}
	return moved, false
}

// try makes the table on the assumption that no further incumbent has to keep its old claim. It
// returns false if that was wrong.
func (d *decision) try() bool {
	places := newRegister(d.tenants)
	d.table = nil
	for i, in := range d.incumbents {
		current := in.held
		if in.next >= 0 && !d.kept[i] {
			current = d.wanted[in.next].Claim
		}
		d.table = append(d.table, current)
		places.add(current, in.held.both(current))
	}
	for i, in := range d.incumbents {
		if in.next < 0 || d.kept[i] {
			continue
		}
		claim := d.wanted[in.next].Claim
		if refusal, ok := places.check(claim); !ok {
			d.refused[in.next] = refusal
			d.kept[i] = true
			return false
		}
		places.add(claim, claim.places())
	}
	for _, i := range d.newcomers {
		claim := d.wanted[i].Claim
		refusal, ok := places.checkName(claim)
		if ok {
			refusal, ok = places.checkNumber(claim)
		}
		if ok {
			refusal, ok = places.check(claim)
		}
		if !ok {
			d.refused[i] = refusal
			continue
		}
		places.add(claim, claim.places())
		d.table = append(d.table, claim)
	}
	return true
}

// both returns the places that c and next have in common.
func (c Claim) both(next Claim) []place {
	old := c.places()
	return slices.DeleteFunc(next.places(), func(p place) bool { return !slices.Contains(old, p) })
}
