package httpd

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// configuration is the combined result of all directives of a configuration.
type configuration struct {
	*walker

	top     *file // the source itself
	daemons []*daemon
	mounts  []*mount
	apps    []*app
	served  []*served // URLs that Apache answers itself

	authorizers []*app // apps that decide who may pass
}

func newConfiguration(w *walker, top *file) *configuration {
	return &configuration{walker: w, top: top}
}

// translate makes apps of the facts.
func (c *configuration) translate() {
	for _, f := range c.facts {
		if f.node.Section {
			continue
		}
		ofWSGI := strings.HasPrefix(f.key(), "wsgi")
		f.drop = f.drop || ofWSGI
		if rule := decided[f.key()]; rule != nil {
			rule(given{note: func(became migrate.Became, reason string, args ...any) {
				c.report.set(f.node, "", became, reason, args...)
			}})
			continue
		}
		if slices.Contains(undecided, f.key()) || strings.HasPrefix(f.key(), "passenger") {
			continue // Passenger's directives that affect an app are its settings
		}
		if ofWSGI {
			c.report.set(f.node, "", migrate.ByHand, "mod_wsgi 4 to 6 have no directive of this name")
			continue
		}
		c.stays(f.node)
	}
	c.collectDaemons()
	c.collectServed()
	c.collectMounts()
	c.collectPassenger()
	c.selectGroups()
	c.makeApps()
	c.authorize()
	c.placeApps()
	c.unused()
}

// all returns the facts with a directive, in their order.
func (c *configuration) all(names ...string) (found []*fact) {
	for _, f := range c.facts {
		if !f.node.Section && slices.Contains(names, f.key()) {
			found = append(found, f)
		}
	}
	return found
}

// inServer returns the last words of a directive for a virtual host outside of sections, where it
// or the main server has it.
func (c *configuration) inServer(host *virtualHost, name string) *fact {
	var found *fact
	for _, f := range c.all(name) {
		if len(f.in) == 0 && (f.host == host || f.host.main() && (found == nil || found.host.main())) {
			found = f
		}
	}
	return found
}

// effective returns the directive of a name that takes effect for a mount: of those that apply, the
// one that Apache merges last.
func (c *configuration) effective(m *mount, name string) *fact {
	return c.lastFor(m, c.all(name))
}

// lastFor returns the one of some facts that applies to a mount and that Apache merges last.
func (c *configuration) lastFor(m *mount, facts []*fact) (last *fact) {
	for _, f := range facts {
		if c.applies(f, m) && (last == nil || compareRanks(f, last) >= 0) {
			last = f
		}
	}
	return last
}

// applies reports whether a fact counts for all requests of a mount.
func (c *configuration) applies(f *fact, m *mount) bool {
	if f.host != m.host && !f.host.main() {
		return false
	}
	for _, s := range f.in {
		if !s.covers(m) {
			return false
		}
	}
	return true
}

// order is the order in which Apache merges facts: later ones win.
type order struct {
	host, kind, length int
}

// compareRanks orders facts as Apache merges them.
func compareRanks(a, b *fact) int {
	x, y := rank(a), rank(b)
	return cmp.Or(x.host-y.host, x.kind-y.kind, x.length-y.length)
}

func rank(f *fact) (o order) {
	if !f.host.main() {
		o.host = 1
	}
	for _, s := range f.in {
		switch s.kind {
		case "directory", "directorymatch":
			o.kind, o.length = max(o.kind, 1), len(s.name)
			if s.regex {
				o.kind = max(o.kind, 2)
			}
		case "files", "filesmatch":
			o.kind = max(o.kind, 3)
		case "location", "locationmatch":
			o.kind, o.length = max(o.kind, 4), 0
		}
	}
	if o.kind > 0 {
		// sections of the main server are merged after those that only a virtual host has
		o.host = 1
	}
	return o
}
