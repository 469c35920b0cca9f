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
		hosts := app.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
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

// dialTimeout bounds how long a listener on this machine may take to accept a connection.
const dialTimeout = 2 * time.Second

// checkTarget returns the problems of the listener that a route leads to.
func (p *place) checkTarget() (found []Finding) {
	d, r := p.site.server.doctor, p.route
	l := d.listener(r.target)
	if l != nil && l.Kind != r.protocol && r.protocol != "" {
		f := p.finding("MGW-DOC-040", r.protocol, l.Kind).at(r.at, r.at.Name)
		if right := webserver.Reach(d.Listeners, r.protocol); right != "" {
			old, with := bare(r.target), bare(right)
			f = f.by(r.at.Name+" … "+string(right), change(r.at, func(text string) string {
				return strings.Replace(text, old, with, 1)
			}))
		}
		return append(found, f)
	}
	if d.Offline && l == nil || !d.Offline && !listens(r.target) {
		f := p.finding("MGW-DOC-031", r.target).at(r.at, r.at.Name)
		right := webserver.Reach(d.Listeners, r.protocol)
		if l == nil && right != "" && right != r.target {
			old, with := bare(r.target), bare(right)
			f = f.by(r.at.Name+" … "+string(right), change(r.at, func(text string) string {
				return strings.Replace(text, old, with, 1)
			}))
		}
		found = append(found, f)
	}
	return found
}

// bare is an address as configurations have it within other text.
func bare(a modgw.Address) string { return a.Target() }

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
