package httpd

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// passengerApp is an app that Passenger runs: a folder with passenger_wsgi.py, at a URL.
type passengerApp struct {
	root, url string
	from      *fact
	host      *virtualHost
}

// collectPassenger finds the Python apps that Passenger runs.
func (c *configuration) collectPassenger() {
	for _, f := range c.facts {
		if !f.node.Section && strings.HasPrefix(f.key(), "passenger") {
			f.drop = true
		}
	}
	for _, p := range c.passengerApps() {
		if kind := c.passengerSetting(p, "passengerapptype"); kind != "" && kind != "wsgi" && kind != "python" && kind != "WSGI" {
			c.report.set(p.from.node, "", migrate.ByHand, "the app is no Python app (%s): write a descriptor with http { command = [\"…\"] }; its program must serve HTTP on $PORT", kind)
			continue
		}
		startup := cmp.Or(c.passengerSetting(p, "passengerstartupfile"), "passenger_wsgi.py")
		if ext := filepath.Ext(startup); ext != ".py" && ext != ".wsgi" {
			c.report.set(p.from.node, "", migrate.ByHand, "the app is no Python app (%s): write a descriptor with http { command = [\"…\"] }; its program must serve HTTP on $PORT", startup)
			continue
		}
		if !c.plan.Files.Exists(filepath.Join(p.root, startup)) && c.passengerSetting(p, "passengerpython") == "" &&
			c.passengerSetting(p, "passengerapptype") == "" && c.passengerSetting(p, "passengerstartupfile") == "" {
			c.report.set(p.from.node, "", migrate.ByHand, "there is no passenger_wsgi.py in %q: if the app is not in Python, write a descriptor with http { command = [\"…\"] }", p.root)
			continue
		}
		m := &mount{fact: p.from, host: p.host, url: p.url, script: filepath.Join(p.root, startup), passenger: true}
		if c.cleanURL(m) {
			c.mounts = append(c.mounts, m)
		}
	}
}

// passengerApps finds the folders of apps: by PassengerAppRoot, by PassengerBaseURI, or by a
// DocumentRoot together with PassengerEnabled or PassengerPython.
func (c *configuration) passengerApps() (apps []passengerApp) {
	for _, host := range c.hosts {
		found := false
		for _, f := range c.all("passengerapproot") {
			if f.host != host {
				continue
			}
			found = true
			apps = append(apps, passengerApp{strings.TrimSuffix(c.absolute(f.arg(0)), "/"), c.passengerURL(f), f, host})
		}
		if found {
			continue
		}
		any := slices.ContainsFunc(c.facts, func(f *fact) bool {
			return !f.node.Section && f.host == host && strings.HasPrefix(f.key(), "passenger") && f.key() != "passengerroot" &&
				f.key() != "passengerdefaultruby"
		})
		if root := c.inServer(host, "documentroot"); any && root != nil && root.host == host {
			apps = append(apps, passengerApp{filepath.Dir(strings.TrimSuffix(c.absolute(root.arg(0)), "/")), "/", root, host})
		}
	}
	return apps
}

// passengerURL returns the URL of an app: the <Location> that it is in, or its PassengerBaseURI.
func (c *configuration) passengerURL(f *fact) string {
	for _, in := range f.in {
		if in.kind == "location" && !in.regex {
			return in.name
		}
	}
	for _, base := range c.all("passengerbaseuri") {
		if base.host == f.host && len(base.in) == len(f.in) && (len(f.in) == 0 || base.in[len(base.in)-1].line == f.in[len(f.in)-1].line) {
			return base.arg(0)
		}
	}
	return "/"
}

func (c *configuration) passengerSetting(p passengerApp, name string) string {
	if f := c.passengerFact(&mount{host: p.host, passenger: true}, name); f != nil {
		return f.arg(0)
	}
	return ""
}

// passengerFact is the last directive of a name that counts for an app of Passenger.
func (c *configuration) passengerFact(m *mount, name string) (found *fact) {
	for _, f := range c.all(name) {
		if m.passenger && (f.host == m.host || f.host.main()) {
			found = f
		}
	}
	return found
}
