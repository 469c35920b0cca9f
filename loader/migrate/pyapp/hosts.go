package pyapp

import (
	"fmt"

	"github.com/modgw/modgw/loader/migrate"
)

// separateHosts gives apps without host names one each if several would answer the same requests:
// each had its own socket, and a web server that is not among the sources chose between them.
func separateHosts(p *migrate.Plan) {
	byMount := map[string][]*migrate.App{}
	var mounts []string
	for _, app := range p.Apps {
		if len(app.Hosts) > 0 {
			continue
		}
		if byMount[app.Mount] == nil {
			mounts = append(mounts, app.Mount)
		}
		byMount[app.Mount] = append(byMount[app.Mount], app)
	}
	for _, mount := range mounts {
		apps := byMount[mount]
		if len(apps) < 2 {
			continue
		}
		for _, app := range apps {
			name := app.Name + ".localhost"
			app.Set("hosts", []string{name})
			app.Note("hosts", "The web server in front chose this app: set hosts to its server_name.")
		}
		p.Notes = append(p.Notes, fmt.Sprintf("%d apps have mount %q and no host names, because their web server is not among "+
			"the sources: each got a name that ends in .localhost. Set hosts, or migrate the configuration of nginx with them",
			len(apps), mount))
	}
}
