package doctor

import (
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// readSites implements traits: sites are the conditions for hosts that have routes, and the rest of
// the configuration.
func (l *lighttpd) readSites() (all []*site) {
	byCondition := map[*webconf.Directive]*site{}
	for d := range l.tree.All {
		kind := map[string]string{"fastcgi.server": "fastcgi", "proxy.server": "http", "scgi.server": "scgi"}[d.Name]
		if kind == "" {
			continue
		}
		at := condition(d, `$HTTP["host"]`)
		s := byCondition[at]
		if s == nil {
			s = l.site(at, d)
			byCondition[at] = s
			all = append(all, s)
		}
		if p := effective(d.Parent, "scgi.protocol"); p != nil && p.Arg(1) == "uwsgi" && kind == "scgi" {
			kind = "uwsgi"
		}
		for _, m := range values(d).list {
			r := &route{site: s, at: d, section: d.Parent, protocol: kind, path: urlPrefix(d, m.key)}
			if socket := m.get("socket"); socket != "" {
				r.target = modgw.Address("unix:" + socket)
			} else if host := m.get("host"); host != "" {
				r.target = normal(net.JoinHostPort(host, m.get("port")))
			}
			r.upgrades = condition(d, `$REQUEST_HEADER["Upgrade"]`) != nil || isConnect(d)
			s.routes = append(s.routes, r)
		}
	}
	for _, s := range all {
		slices.SortStableFunc(s.routes, func(a, b *route) int { return len(b.path) - len(a.path) })
	}
	return all
}

// isConnect reports whether a directive is for the method CONNECT alone, as WebSockets over HTTP/2.
func isConnect(d *webconf.Directive) bool {
	c := condition(d, `$HTTP["request-method"]`)
	return c != nil && c.Arg(1) == "CONNECT"
}

// condition returns the innermost condition of a kind around a directive, or nil if there is none.
func condition(d *webconf.Directive, kind string) *webconf.Directive {
	for ; d != nil; d = d.Parent {
		if d.Name == kind {
			return d
		}
	}
	return nil
}

func (l *lighttpd) site(at, d *webconf.Directive) *site {
	s := &site{server: l.server, at: at, named: at, first: at == nil}
	if at != nil {
		switch at.Arg(0) {
		case "==":
			s.names = []string{strings.ToLower(at.Arg(1))}
		case "=~":
			if pattern, err := regexp.Compile("(?i)" + at.Arg(1)); err == nil {
				s.matches = pattern.MatchString
			}
		}
	}
	block := d.Parent
	socket := condition(d, `$SERVER["socket"]`)
	switch {
	case socket != nil && socket.Arg(0) == "==":
		s.addresses = []string{listenAddress(socket.Arg(1))}
	case socket != nil:
		for _, other := range l.tree.Everywhere(`$SERVER["socket"]`) {
			pattern, err := regexp.Compile(socket.Arg(1))
			if err == nil && other.Arg(0) == "==" && pattern.MatchString(other.Arg(1)) {
				s.addresses = append(s.addresses, listenAddress(other.Arg(1)))
				s.tls = s.tls || text(effective(other, "ssl.engine")) == "enable"
			}
		}
	default:
		host, port := "", "80"
		if d := effective(&l.tree.Directive, "server.bind"); d != nil {
			host = d.Arg(1)
		}
		if d := effective(&l.tree.Directive, "server.port"); d != nil {
			port = d.Arg(1)
		}
		s.addresses = []string{listenAddress(net.JoinHostPort(host, port))}
	}
	s.tls = s.tls || text(effective(block, "ssl.engine")) == "enable"
	if file := effective(block, "ssl.pemfile"); file != nil {
		key := file
		if d := effective(block, "ssl.privkey"); d != nil {
			key = d
		}
		s.certs = append(s.certs, certificate{file: l.path(file.Arg(1)), key: l.path(key.Arg(1)), at: file, keyAt: key})
	}
	return s
}

// text is the value of an assignment; "" for none.
func text(d *webconf.Directive) string {
	if d == nil {
		return ""
	}
	return d.Arg(1)
}

// urlPrefix returns the path that is matched by a condition on URLs and the key of a server.
func urlPrefix(d *webconf.Directive, key string) string {
	path := "/"
	if c := condition(d, `$HTTP["url"]`); c != nil {
		switch c.Arg(0) {
		case "=~":
			path = literalPrefix(strings.NewReplacer("[.]", ".", "[-]", "-").Replace(c.Arg(1)))
		case "==", "=^":
			path = c.Arg(1)
		}
	}
	if strings.HasPrefix(key, "/") && len(key) > len(path) {
		path = key
	}
	return "/" + strings.Trim(path, "/")
}
