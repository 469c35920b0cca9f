package doctor

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// site is a virtual host of a web server.
type site struct {
	server    *server
	names     []string           // lower case, "*.example.com" among them; empty: any name
	matches   func(string) bool  // matches the names of a pattern; nil if the name is no pattern
	first     bool               // answers names that no other site of its addresses has
	addresses []string           // "HOST:PORT"; HOST "" is every interface
	tls       bool               // speaks TLS
	certs     []certificate      // certificates in use
	at        *webconf.Directive // section; nil: the main server's
	named     *webconf.Directive // directive with its names; nil: it has none
	routes    []*route           // in the order in which the server tries them
}

// certificate is a pair of files with the directives that name them.
type certificate struct {
	file, key, chain string // absolute paths; chain "": within file
	at, keyAt        *webconf.Directive
}

// route passes the requests below a path on.
type route struct {
	site     *site
	path     string             // "/" or "/blog"; without a slash at its end
	slash    bool               // the path was written with a slash at its end
	protocol string             // a kind of listener, or another protocol's name
	target   modgw.Address      // address of the listener; "": not known
	upgrades bool               // takes only requests for WebSockets
	at       *webconf.Directive // directive that passes them on
	section  *webconf.Directive // section of the path; nil: at is all there is
}

// covers reports whether a route takes requests for a path.
func (r *route) covers(path string) bool {
	return r.path == "/" || path == r.path || strings.HasPrefix(path, r.path+"/")
}

// answers reports whether a site answers for a host name.
func (s *site) answers(host string) bool {
	if s.matches != nil && s.matches(strings.Replace(host, "*", "www", 1)) {
		return true
	}
	return slices.ContainsFunc(s.names, func(name string) bool { return nameFits(name, host) })
}

// nameFits reports whether a name, possibly a wildcard, matches a host. A wildcard matches itself.
func nameFits(name, host string) bool {
	if suffix, wild := strings.CutPrefix(name, "*"); wild {
		return name == host || strings.HasSuffix(host, suffix) && host != suffix
	}
	return name == host
}

// place is where requests for an app go in one site.
type place struct {
	app   modgw.Descriptor
	host  string // host name, perhaps a wildcard; "": any
	site  *site
	route *route // for ordinary requests
}

// finding makes a finding of the place's app.
func (p *place) finding(code string, args ...any) Finding {
	return problem(code, args...).of(p.app.Name)
}

// address is the listener that a URL of a configuration leads to. protocol is a kind of listener
// where the URL is for one.
func address(text string) (protocol string, target modgw.Address, path string) {
	socket := ""
	if rest, unix := strings.CutPrefix(text, "unix:"); unix {
		var found bool
		if socket, text, found = strings.Cut(rest, "|"); !found {
			return "", modgw.Address("unix:" + socket), ""
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return "", "", ""
	}
	protocol = u.Scheme
	if kind, known := schemes[u.Scheme]; known {
		protocol = kind
	}
	if socket != "" {
		return protocol, modgw.Address("unix:" + socket), u.Path
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = defaultPorts[protocol]
	}
	return protocol, normal(net.JoinHostPort(host, port)), u.Path
}

// schemes are the kinds of listeners that URLs of Apache speak to.
var schemes = map[string]string{"fcgi": "fastcgi", "http": "http", "ws": "http", "uwsgi": "uwsgi", "scgi": "scgi"}

var defaultPorts = map[string]string{"http": "80", "https": "443", "fastcgi": "8000", "uwsgi": "3031", "scgi": "4000"}

// normal is one spelling for the addresses of a listener.
func normal(a string) modgw.Address {
	host, port, err := net.SplitHostPort(a)
	if err != nil {
		return modgw.Address(a)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return modgw.Address(net.JoinHostPort(host, port)).Dialable()
}

// listener returns the host's listener at an address; nil when it has none there.
func (d *Doctor) listener(a modgw.Address) *modgw.Listener {
	for i, l := range d.Listeners {
		if l.Address.Network() == a.Network() && (l.Address == a || normal(string(l.Address)) == a) {
			return &d.Listeners[i]
		}
	}
	return nil
}

// ours reports whether a route leads to the host, or seems to be meant to.
func (r *route) ours() bool {
	return r.site.server.doctor.listener(r.target) != nil || strings.Contains(string(r.target), "modgw") ||
		r.at != nil && strings.Contains(strings.Join(r.at.Args, " "), ".modgw")
}

// isOurs reports whether a site passes any requests to the host.
func (s *site) isOurs() bool { return slices.ContainsFunc(s.routes, (*route).ours) }

// sitesFor are the sites that answer for a host: those that have its name, or else those for names
// that no site has.
func (s *server) sitesFor(host string) (all []*site) {
	for _, site := range s.sites {
		if host != "" && site.answers(host) {
			all = append(all, site)
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, site := range s.sites {
		if site.first && (site.named == nil || host == "") || site.named == nil && host == "" {
			all = append(all, site)
		}
	}
	return all
}

// places are where requests for the apps go.
func (s *server) places() (all []*place) {
	for _, app := range s.doctor.Apps {
		for _, host := range hostsOf(app) {
			for _, site := range s.sitesFor(host) {
				if r := site.route(string(app.Mount), func(r *route) bool { return !r.upgrades }); r != nil && r.ours() {
					all = append(all, &place{app, host, site, r})
				}
			}
		}
	}
	return all
}

// hostsOf are the host names that an app answers; "" alone: any.
func hostsOf(app modgw.Descriptor) []string {
	if len(app.Hosts) == 0 {
		return []string{""}
	}
	return app.Hosts
}

// route returns the first route that matches a path and satisfies fits.
func (s *site) route(path string, fits func(*route) bool) *route {
	for _, r := range s.routes {
		if r.covers(path) && fits(r) {
			return r
		}
	}
	return nil
}

// shared keeps one finding where several places of an app have the same.
func shared(found []Finding) []Finding {
	var kept []Finding
	for _, f := range found {
		if !slices.ContainsFunc(kept, func(k Finding) bool { return k.key() == f.key() && k.Line == f.Line }) {
			kept = append(kept, f)
		}
	}
	return kept
}
