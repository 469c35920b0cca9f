package httpd

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// daemon is a process group that a WSGIDaemonProcess defines.
type daemon struct {
	fact    *fact
	name    string
	options []option
	users   []*app // apps that run in it
}

// option is a NAME=VALUE of a directive.
type option struct{ name, value string }

// get returns the value of an option; the last one counts.
func (d *daemon) get(name string) (value string, ok bool) {
	for _, o := range d.options {
		if o.name == name {
			value, ok = o.value, true
		}
	}
	return value, ok
}

// collectDaemons reads the definitions of process groups.
func (c *configuration) collectDaemons() {
	for _, f := range c.all("wsgidaemonprocess") {
		d := &daemon{fact: f, name: f.arg(0)}
		words := f.words
		if len(words) > 0 && !strings.Contains(words[0], "=") {
			words = words[1:]
		}
		if d.name == "" {
			c.plan.Problem(f.at, "cannot read WSGIDaemonProcess without a name")
		}
		d.options = options(words)
		c.daemons = append(c.daemons, d)
	}
}

// options splits words at the first "=". The value of one may be quoted by itself, as in
// display-name="%{GROUP}".
func options(words []string) (all []option) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		all = append(all, option{strings.ToLower(name), strings.Trim(value, `"'`)})
	}
	return all
}

// daemonFor returns the process group of a name that a virtual host can select, or nil. If several
// have the name, that of the virtual host itself is preferred, then the first.
func (c *configuration) daemonFor(host *virtualHost, name string) (found *daemon) {
	for _, d := range c.daemons {
		if d.name == name && (found == nil || d.fact.host == host) {
			found = d
		}
	}
	return found
}

// selectGroups finds the process group of each mount.
func (c *configuration) selectGroups() {
	for _, m := range c.mounts {
		name, from := m.group, m.fact
		if f := c.effective(m, "wsgiprocessgroup"); name == "" && f != nil {
			name, from = f.arg(0), f
		}
		if variable, ok := strings.CutPrefix(name, "%{ENV:"); ok {
			name = ""
			if set := c.environmentOf(m, strings.TrimSuffix(variable, "}")); set != nil {
				name = set.arg(1)
			}
			if name == "" {
				c.report.set(from.node, "", migrate.ByHand, "the group is chosen by a variable that is set for each request: write a descriptor for each group, and let Apache choose by SetEnv MODGW_APP")
			}
		}
		switch {
		case name == "" || strings.HasPrefix(name, "%{"):
			m.embedded = true
		default:
			m.daemon = c.daemonFor(m.host, name)
			c.undefinedGroup(m, from, name)
		}
	}
	c.embeddedBesideUnused()
}

// environmentOf is the SetEnv of a variable that counts for a mount.
func (c *configuration) environmentOf(m *mount, variable string) *fact {
	return c.lastFor(m, slices.DeleteFunc(c.all("setenv"), func(f *fact) bool { return f.arg(0) != variable }))
}

// undefinedGroup handles a mount whose group is not defined in the sources. If they define just one
// group, that one is meant.
func (c *configuration) undefinedGroup(m *mount, from *fact, name string) {
	if m.daemon != nil {
		return
	}
	if len(c.daemons) == 1 && c.daemons[0].fact.at.File == from.at.File {
		m.daemon = c.daemons[0]
		c.report.set(from.node, "", migrate.ByHand, "no WSGIDaemonProcess defines group %q, and mod_wsgi answers 500: the app has the settings of group %q; check them", name, m.daemon.name)
		return
	}
	m.missing = name
	c.report.set(from.node, "", migrate.ByHand, "no WSGIDaemonProcess of these sources defines group %q: name the file that does as a source too, or set workers, threads and user in the descriptor", name)
}

// embeddedBesideUnused gives the settings of an unused process group to the apps that run embedded
// in Apache: the group was meant for them.
func (c *configuration) embeddedBesideUnused() {
	used := map[*daemon]bool{}
	for _, m := range c.mounts {
		used[m.daemon] = true
	}
	for _, m := range c.mounts {
		if !m.embedded {
			continue
		}
		var unused []*daemon
		for _, d := range c.daemons {
			if !used[d] && (d.fact.host == m.host || d.fact.host.main()) {
				unused = append(unused, d)
			}
		}
		if len(unused) == 1 {
			m.daemon, m.adopted = unused[0], true
		}
	}
}
