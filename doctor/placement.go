package doctor

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// checkApps finds apps that no virtual host passes requests for.
func (d *Doctor) checkApps(servers []*server) (found []Finding) {
	// A host that clients reach by themselves may have no web server in front.
	if len(servers) == 0 || !slices.ContainsFunc(d.Listeners, forWebServers) {
		return nil
	}
	for _, app := range d.Apps {
		for _, host := range hostsOf(app) {
			if !slices.ContainsFunc(servers, func(s *server) bool { return s.passes(app, host) }) {
				found = append(found, missingPlace(servers[0], app, host))
			}
		}
	}
	return found
}

// forWebServers reports whether only programs on this machine can connect to a listener.
func forWebServers(l modgw.Listener) bool { return l.Address.IsLoopback() }

// passes reports whether any site has a route for an app.
func (s *server) passes(app modgw.Descriptor, host string) bool {
	return slices.ContainsFunc(s.sitesFor(host), func(site *site) bool {
		return slices.ContainsFunc(site.routes, func(r *route) bool { return r.covers(string(app.Mount)) })
	})
}

func missingPlace(s *server, app modgw.Descriptor, host string) Finding {
	what := fmt.Sprintf("%s%s", host, app.Mount)
	f := problem("MGW-DOC-030", what).of(app.Name)
	f.File = s.File
	command := map[Kind]string{Apache: "apache", Nginx: "nginx", Lighttpd: "lighttpd"}[s.Kind]
	f.Directive = map[Kind]string{Apache: "ProxyPass", Nginx: "location", Lighttpd: "fastcgi.server", HAProxy: "use_backend"}[s.Kind]
	for _, site := range s.sites {
		if site.at == nil {
			continue
		}
		f.File, f.Line = site.at.File, site.at.Line
		if host != "" && site.answers(host) {
			if s.Kind == Apache {
				return f.by("modgw-host apache config --inside " + host)
			}
			break
		}
		if host != "" && site.named != nil && s.traits.names(site, app) {
			return named(f, site, host)
		}
	}
	if command != "" {
		f.Fix = fmt.Sprintf("modgw-host %s config %s", command, app.Name)
	}
	return f
}

// checkNames finds virtual hosts whose names an earlier one has taken.
func (s *server) checkNames() (found []Finding) {
	type taken struct{ address, name string }
	first := map[taken]*site{}
	for _, site := range s.sites {
		for _, name := range site.names {
			for _, address := range site.addresses {
				key := taken{address, name}
				other := first[key]
				if other == nil {
					first[key] = site
				} else if other != site && site.named != nil && other.named != nil && site.isOurs() {
					found = append(found, problem("MGW-DOC-035", name, other.named.File, other.named.Line).at(site.named, site.named.Name))
				}
			}
		}
	}
	return found
}

// dialTimeout bounds how long a listener on this machine may take to accept a connection.
const dialTimeout = 2 * time.Second

// checkTarget returns the problems of the listener that a route leads to.
func (p *place) checkTarget() []Finding {
	d, r := p.site.server.doctor, p.route
	l := d.listener(r.target)
	if l != nil && l.Kind != r.protocol && r.protocol != "" {
		return []Finding{p.rightTarget(p.finding("MGW-DOC-040", r.protocol, l.Kind))}
	}
	if d.Offline && l == nil || !d.Offline && !listens(r.target) {
		f := p.finding("MGW-DOC-031", r.target)
		if l != nil {
			return []Finding{f.at(r.at, r.at.Name)}
		}
		return []Finding{p.rightTarget(f)}
	}
	return nil
}

// rightTarget reports that a route leads to the wrong listener. Its fix leads it to another one for
// its protocol, if there is one.
func (p *place) rightTarget(f Finding) Finding {
	r := p.route
	f = f.at(r.at, r.at.Name)
	right := webserver.Reach(p.site.server.doctor.Listeners, r.protocol)
	if right == "" || right == r.target {
		return f
	}
	return f.by(r.at.Name+" … "+string(right), change(r.at, func(text string) string {
		return strings.Replace(text, r.target.Target(), right.Target(), 1)
	}))
}

// checkTrust returns a finding if the host does not believe a web server about clients at the
// listener that a route leads to.
func (p *place) checkTrust() []Finding {
	d := p.site.server.doctor
	if webserver.Believes(p.route.target, d.TrustedProxies) {
		return nil
	}
	host, _, _ := net.SplitHostPort(p.route.target.Target())
	f := p.finding("MGW-DOC-007")
	f.File, f.Directive, f.Fix = d.HostFile, "trusted_proxies", fmt.Sprintf("trusted_proxies = [%q]", host)
	return []Finding{f}
}

// listens reports whether something accepts connections at an address.
func listens(a modgw.Address) bool {
	conn, err := net.DialTimeout(a.Network(), a.Target(), dialTimeout)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// named adds an edit that makes the app's site answer for one more host name.
func named(f Finding, s *site, host string) Finding {
	switch s.server.Kind {
	case Apache:
		line := "ServerAlias " + host
		return f.at(s.named, "ServerAlias").by(line, edit{
			file: s.named.File, line: s.named.End + 1, end: s.named.End + 1, text: indented(indentOf(s.named.File, s.named.Line), []string{line}),
		})
	case Nginx:
		line := "server_name " + strings.Join(append(slices.Clone(s.named.Args), host), " ") + ";"
		return f.at(s.named, "server_name").by(line, replace(s.named, line))
	}
	return f
}
