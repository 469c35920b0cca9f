package apache

import (
	"slices"

	"github.com/modgw/modgw/modgw"
)

// needs are the modules that a configuration cannot do without, sorted.
func needs(up upstream, apps []modgw.Descriptor, o Options) []string {
	modules := []string{"alias", "authz_core", "env", "headers", "proxy"}
	upgrades := slices.ContainsFunc(apps, up.upgrades)
	if up.fcgi != "" {
		modules = append(modules, "proxy_fcgi")
	}
	if up.fcgi == "" || upgrades {
		modules = append(modules, "proxy_http")
	}
	if up.fcgi != "" && upgrades || o.RedirectHTTPS || slices.ContainsFunc(apps, up.rewrites) {
		modules = append(modules, "rewrite")
	}
	if o.TLS != nil {
		modules = append(modules, "ssl")
	}
	slices.Sort(modules)
	return modules
}
