package apache

import (
	"fmt"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// plan is the set of virtual hosts that [Config] writes as one text, and [Split] as files.
type plan struct {
	up      upstream
	options Options
	parts   []part
}

// part is the virtual hosts of one set of host names.
type part struct {
	name  string // name of the file, without ".conf"
	apps  []modgw.Descriptor
	write func(*writer)
}

func newPlan(apps []modgw.Descriptor, listeners []modgw.Listener, o Options) (*plan, error) {
	up, err := upstreamOf(listeners, o.TrustedProxies)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	sites := webserver.Sites(apps)
	if slices.ContainsFunc(sites, func(s webserver.Site) bool { return slices.Contains(s.Hosts, o.ServerName) }) {
		o.ServerName = nameless // the first virtual host must not have the name of another
	}
	c := &plan{up: up, options: o}
	if !slices.ContainsFunc(sites, webserver.Site.Default) {
		c.parts = append(c.parts, part{name: firstFile, write: func(w *writer) { w.refusals(sites, o) }})
	}
	taken := map[string]int{}
	for _, s := range sites {
		name := fileName(s)
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, taken[name])
		}
		c.parts = append(c.parts, part{name: name, apps: s.Apps, write: func(w *writer) { w.virtualHosts(s, up, o) }})
	}
	return c, nil
}

// firstFile is the name of the file with the virtual hosts that answer all names that no other has.
const firstFile = "000-default"

func fileName(s webserver.Site) string {
	if s.Default() {
		return firstFile
	}
	return serverName(s.Hosts[0])
}
