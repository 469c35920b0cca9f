package doctor

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// nginx is nginx.
type nginx struct{ *server }

var _ traits = (*nginx)(nil)

func (n *nginx) user() string {
	for _, d := range n.tree.Find("user") {
		return d.Arg(0)
	}
	return ""
}

// readSites implements traits: sites are the server blocks.
func (n *nginx) readSites() (all []*site) {
	taken := map[string]bool{}
	for _, http := range n.tree.Find("http") {
		for _, block := range http.Find("server") {
			s := &site{server: n.server, at: block}
			n.readServer(s, block)
			if len(s.addresses) == 0 {
				s.addresses = []string{":80"}
			}
			for _, a := range s.addresses {
				s.first = s.first || !taken[a]
				taken[a] = true
			}
			all = append(all, s)
		}
	}
	for _, s := range all { // a site marked as default replaces the first one
		for _, l := range s.at.Find("listen") {
			if !slices.Contains(l.Args, "default_server") && !slices.Contains(l.Args, "default") {
				continue
			}
			for _, other := range all {
				if other != s && slices.ContainsFunc(other.addresses, func(a string) bool { return slices.Contains(s.addresses, a) }) {
					other.first = false
				}
			}
			s.first = true
		}
	}
	return all
}

func (n *nginx) readServer(s *site, block *webconf.Directive) {
	var cert certificate
	for _, d := range block.Children {
		switch d.Name {
		case "server_name":
			s.named = d
			for _, name := range d.Args {
				switch {
				case name == "" || name == "_" || strings.HasPrefix(name, "~"):
				case strings.HasPrefix(name, "."):
					s.names = append(s.names, strings.ToLower(name[1:]), "*"+strings.ToLower(name))
				default:
					s.names = append(s.names, strings.ToLower(name))
				}
			}
		case "listen":
			if !strings.HasPrefix(d.Arg(0), "unix:") {
				s.addresses = append(s.addresses, listenAddress(d.Arg(0)))
			}
			s.tls = s.tls || slices.Contains(d.Args, "ssl") || slices.Contains(d.Args, "quic")
		case "ssl":
			s.tls = s.tls || d.Arg(0) == "on"
		case "ssl_certificate":
			cert.file, cert.at = n.path(d.Arg(0)), d
		case "ssl_certificate_key":
			cert.key, cert.keyAt = n.path(d.Arg(0)), d
		}
	}
	for i, a := range s.addresses {
		if port := portOf(a); port == "*" {
			s.addresses[i] = net.JoinHostPort(strings.TrimSuffix(a, ":*"), "80")
		}
	}
	if cert.at != nil && cert.keyAt != nil && !strings.Contains(cert.file, "$") {
		s.certs = append(s.certs, cert)
	}
	n.routes(s, block)
	// The longest path wins, regardless of the order.
	slices.SortStableFunc(s.routes, func(a, b *route) int { return len(b.path) - len(a.path) })
}

// passing are the directives that pass requests on, with the kinds of listeners that they are for.
var passing = map[string]string{"fastcgi_pass": "fastcgi", "proxy_pass": "http", "uwsgi_pass": "uwsgi", "scgi_pass": "scgi"}

// routes collects the routes of a block and of the locations in it.
func (n *nginx) routes(s *site, block *webconf.Directive) {
	for _, d := range block.Find("location") {
		path, regex := locationPath(d)
		if regex {
			continue
		}
		for _, c := range d.Children {
			if kind, ok := passing[c.Name]; ok {
				n.route(s, &route{path: path, section: d, at: c, protocol: kind, slash: strings.HasSuffix(d.Arg(len(d.Args)-1), "/")})
			}
		}
		for _, condition := range d.Find("if") {
			for _, c := range condition.Children {
				if kind, ok := passing[c.Name]; ok && strings.Contains(strings.Join(condition.Args, " "), "upgrade") {
					n.route(s, &route{path: path, section: d, at: c, protocol: kind, upgrades: true})
				}
			}
		}
		n.routes(s, d)
	}
}

// locationPath returns the path with which requests for a location begin, and whether the location
// has a regular expression.
func locationPath(d *webconf.Directive) (path string, regex bool) {
	switch d.Arg(0) {
	case "~", "~*":
		return "", true
	case "=", "^~":
		return "/" + strings.Trim(d.Arg(1), "/"), false
	}
	return "/" + strings.Trim(d.Arg(0), "/"), strings.HasPrefix(d.Arg(0), "@")
}

func (n *nginx) route(s *site, r *route) {
	r.site = s
	to := r.at.Arg(0)
	if strings.Contains(to, "$") {
		return
	}
	if !strings.Contains(to, "://") {
		to = "http://" + to
	}
	scheme, rest, _ := strings.Cut(to, "://")
	if scheme == "https" {
		r.protocol = "https"
	}
	if socket, unix := strings.CutPrefix(rest, "unix:"); unix {
		socket, _, _ = strings.Cut(socket, ":")
		r.target = modgw.Address("unix:" + socket)
	} else if u, err := url.Parse(to); err == nil {
		r.target = normal(u.Host)
		if upstream := n.upstream(u.Host); upstream != nil {
			for _, member := range upstream.Find("server") {
				r.target = normal(member.Arg(0))
				break
			}
		} else if u.Port() == "" {
			r.target = normal(u.Host + ":" + defaultPorts[r.protocol])
		}
	}
	s.routes = append(s.routes, r)
}

// upstream returns the upstream block of a name, or nil if there is none.
func (n *nginx) upstream(name string) *webconf.Directive {
	for _, http := range n.tree.Find("http") {
		for _, u := range http.Find("upstream") {
			if u.Arg(0) == name {
				return u
			}
		}
	}
	return nil
}

// effective returns the directive of a name that counts in a block: its own last one or the one of
// the block around it.
func effective(block *webconf.Directive, name string) *webconf.Directive {
	for ; block != nil; block = block.Parent {
		if own := block.Find(name); len(own) > 0 {
			return own[len(own)-1]
		}
	}
	return nil
}

// effectiveList returns the directives of a name that count in a block. A block that has any
// inherits none.
func effectiveList(block *webconf.Directive, name string) []*webconf.Directive {
	for ; block != nil; block = block.Parent {
		if own := block.Find(name); len(own) > 0 {
			return own
		}
	}
	return nil
}

var nginxSize = regexp.MustCompile(`(?i)^(\d+)([kmg]?)$`)

// bytesOf reads a size of nginx; -1 for one that it would not read.
func bytesOf(text string) int64 {
	m := nginxSize.FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	var n int64
	for _, c := range m[1] {
		n = n*10 + int64(c-'0')
	}
	return n << map[string]uint{"": 0, "k": 10, "m": 20, "g": 30}[strings.ToLower(m[2])]
}
