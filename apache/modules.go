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
	if o.encrypts() {
		modules = append(modules, "ssl")
	}
	if len(o.Balancers) > 0 {
		modules = append(modules, "remoteip", "setenvif")
	}
	if o.Logs != "" {
		modules = append(modules, "log_config", "unique_id")
	}
	slices.Sort(modules)
	return modules
}
