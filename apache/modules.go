package apache

import (
	"slices"

	"github.com/modgw/modgw/modgw"
)

// needs are the modules that a configuration cannot do without, sorted.
func needs(up upstream, apps []modgw.Descriptor, o Options) []string {
	modules := []string{"alias", "authz_core", "env", "headers", "proxy"}
	switch {
	case up.fcgi == "":
		modules = append(modules, "proxy_http")
	case slices.ContainsFunc(apps, up.upgrades):
		modules = append(modules, "proxy_fcgi", "proxy_http", "rewrite")
	default:
		modules = append(modules, "proxy_fcgi")
	}
	if o.TLS != nil {
		modules = append(modules, "ssl")
	}
	slices.Sort(modules)
	return modules
}
