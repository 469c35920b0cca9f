package doctor

import (
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// httpd is Apache.
type httpd struct{ *server }

var _ traits = (*httpd)(nil)

func (h *httpd) user() string {
	for _, d := range slices.Backward(h.tree.Find("User")) {
		return d.Arg(0)
	}
	return ""
}

// readSites implements traits: sites are the virtual hosts, and the main server if it has routes or
// there are none.
func (h *httpd) readSites() (all []*site) {
	main := h.site(nil, h.tree.Children)
	hosts := h.tree.Find("VirtualHost")
	taken := map[string]bool{}
	for _, v := range hosts {
		s := h.site(v, v.Children)
		for _, a := range v.Args {
			s.addresses = append(s.addresses, listenAddress(a))
		}
		s.first = !slices.ContainsFunc(s.addresses, func(a string) bool { return taken[a] })
		for _, a := range s.addresses {
			taken[a] = true
		}
		for _, r := range main.routes { // Apache adds the routes of the main server
			inherited := *r
			inherited.site = s
			if r.at != nil && r.at.Is("ProxyPass", "ProxyPassMatch") {
				s.routes = append(s.routes, &inherited)
			}
		}
		all = append(all, s)
	}
	if len(hosts) == 0 {
		main.first = true
		for _, l := range h.tree.Find("Listen") {
			main.addresses = append(main.addresses, listenAddress(l.Arg(0)))
		}
		all = append(all, main)
	}
	return all
}

// listenAddress is an address of Listen or <VirtualHost> as "HOST:PORT".
func listenAddress(text string) string {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if strings.Trim(text, "0123456789") == "" {
			return ":" + text
		}
		host, port = strings.Trim(text, "[]"), "*"
	}
	if host == "*" || host == "_default_" || host == "0.0.0.0" || host == "::" {
		host = ""
	}
	return net.JoinHostPort(host, port)
}

// site reads a virtual host or the main server.
func (h *httpd) site(at *webconf.Directive, list []*webconf.Directive) *site {
	s := &site{server: h.server, at: at}
	var cert certificate
	for _, d := range list {
		switch {
		case d.Is("ServerName"):
			s.named = d
			name := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(d.Arg(0)), "http://"), "https://")
			name, _, _ = strings.Cut(name, ":")
			s.names = append([]string{name}, s.names...)
		case d.Is("ServerAlias"):
			for _, name := range d.Args {
				s.names = append(s.names, strings.ToLower(name))
			}
		case d.Is("SSLEngine"):
			s.tls = strings.EqualFold(d.Arg(0), "on")
		case d.Is("SSLCertificateFile"):
			cert.file, cert.at = h.path(d.Arg(0)), d
		case d.Is("SSLCertificateKeyFile"):
			cert.key, cert.keyAt = h.path(d.Arg(0)), d
		case d.Is("SSLCertificateChainFile"):
			cert.chain = h.path(d.Arg(0))
		}
	}
	if cert.file != "" {
		if cert.key == "" {
			cert.key, cert.keyAt = cert.file, cert.at
		}
		s.certs = append(s.certs, cert)
	}
	h.routes(s, nil, list)
	return s
}

// path is where a relative path of the configuration leads.
func (h *httpd) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	for _, root := range slices.Backward(h.tree.Find("ServerRoot")) {
		return filepath.Join(root.Arg(0), name)
	}
	return h.server.path(name)
}

// routes collects the routes of a list of directives in the order in which Apache tries them.
func (h *httpd) routes(s *site, section *webconf.Directive, list []*webconf.Directive) {
	var conditions []*webconf.Directive
	for _, d := range list {
		switch {
		case d.Is("Location"):
			h.routes(s, d, d.Children)
		case d.Is("ProxyPass"):
			args := slices.DeleteFunc(slices.Clone(d.Args), func(a string) bool { return a == "interpolate" })
			path := ""
			if section != nil {
				path = section.Arg(0)
			} else if len(args) > 0 {
				path, args = args[0], args[1:]
			}
			if len(args) > 0 {
				h.route(s, &route{at: d, section: section}, path, args[0])
			}
		case d.Is("ProxyPassMatch") && section == nil && len(d.Args) > 1:
			h.route(s, &route{at: d}, literalPrefix(d.Args[0]), d.Args[1])
		case d.Is("SetHandler") && section != nil && strings.HasPrefix(d.Arg(0), "proxy:"):
			h.route(s, &route{at: d, section: section}, section.Arg(0), strings.TrimPrefix(d.Arg(0), "proxy:"))
		case d.Is("RewriteCond"):
			conditions = append(conditions, d)
		case d.Is("RewriteRule"):
			if len(d.Args) > 2 && hasFlag(d.Args[2], "P") {
				upgrades := slices.ContainsFunc(conditions, func(c *webconf.Directive) bool {
					return strings.EqualFold(c.Arg(0), "%{HTTP:Upgrade}")
				})
				h.route(s, &route{at: d, upgrades: upgrades}, literalPrefix(d.Args[0]), d.Args[1])
			}
			conditions = nil
		}
	}
	// A RewriteRule is tried before every ProxyPass, and a longer section before a shorter.
	slices.SortStableFunc(s.routes, func(a, b *route) int { return rewriteRank(a) - rewriteRank(b) })
}

func rewriteRank(r *route) int {
	if r.at.Is("RewriteRule") {
		return 0
	}
	return 1
}

// hasFlag reports whether the flags of a RewriteRule have one.
func hasFlag(flags, flag string) bool {
	for f := range strings.SplitSeq(strings.Trim(flags, "[]"), ",") {
		if strings.EqualFold(strings.TrimSpace(f), flag) {
			return true
		}
	}
	return false
}

var literalPattern = regexp.MustCompile(`^\^?(/[A-Za-z0-9_~/-]*)`)

// literalPrefix is the path with which everything begins that a regular expression fits.
func literalPrefix(pattern string) string {
	m := literalPattern.FindStringSubmatch(strings.ReplaceAll(pattern, `\`, ""))
	if m == nil {
		return "/"
	}
	return m[1]
}

// route adds a route that leads to a URL of Apache. A URL with variables has no known path.
func (h *httpd) route(s *site, r *route, path, to string) {
	r.site = s
	r.path = "/" + strings.Trim(path, "/")
	r.slash = len(path) > 1 && strings.HasSuffix(path, "/")
	if to == "!" {
		s.routes = append(s.routes, r)
		return
	}
	to, _, _ = strings.Cut(to, "%{")
	to, _, _ = strings.Cut(to, "$")
	if name, balanced := strings.CutPrefix(to, "balancer://"); balanced {
		name, _, _ = strings.Cut(name, "/")
		for _, m := range h.members(s, name) {
			to = m.Arg(0)
			break
		}
	}
	r.protocol, r.target, _ = address(to)
	if r.target == modgw.Address("") {
		r.protocol = ""
	}
	s.routes = append(s.routes, r)
}

// members are the directives with the members of a balancer that a site can use.
func (h *httpd) members(s *site, name string) (all []*webconf.Directive) {
	for _, proxy := range h.both(s, "Proxy") {
		if strings.EqualFold(strings.TrimSuffix(proxy.Arg(0), "/"), "balancer://"+name) {
			all = append(all, proxy.Find("BalancerMember")...)
		}
	}
	return all
}

// both are the directives of a name at the top of the main server and of a site.
func (h *httpd) both(s *site, names ...string) []*webconf.Directive {
	found := h.tree.Find(names...)
	if s.at != nil {
		found = append(found, s.at.Find(names...)...)
	}
	return found
}

// value returns the directive that counts for a path in a site: of those in sections of the path
// the last one, else the site's, else the main server's. fits chooses among several of a name.
func (h *httpd) value(s *site, path string, fits func(*webconf.Directive) bool, names ...string) *webconf.Directive {
	var found *webconf.Directive
	lists := [][]*webconf.Directive{h.tree.Children}
	if s.at != nil {
		lists = append(lists, s.at.Children)
	}
	pick := func(list []*webconf.Directive) {
		for _, d := range list {
			if d.Is(names...) && (fits == nil || fits(d)) {
				found = d
			}
		}
	}
	for _, list := range lists {
		pick(list)
	}
	for _, list := range lists {
		for _, d := range list {
			if sectionCovers(d, path) {
				pick(d.Children)
			}
		}
	}
	return found
}

// sectionCovers reports whether a section of URLs holds for a path.
func sectionCovers(d *webconf.Directive, path string) bool {
	switch {
	case d.Is("Location") && d.Arg(0) != "~":
		prefix := "/" + strings.Trim(d.Arg(0), "/")
		return prefix == "/" || path == prefix || strings.HasPrefix(path, prefix+"/")
	case d.Is("Location", "LocationMatch"):
		pattern, err := regexp.Compile(d.Arg(len(d.Args) - 1))
		return err == nil && pattern.MatchString(path)
	}
	return false
}

// parameter returns a key=value parameter of the worker behind a route, and the directive that has
// it or could have it.
func (h *httpd) parameter(r *route, key string) (value string, at *webconf.Directive) {
	at = r.at
	candidates := []*webconf.Directive{r.at}
	url := workerURL(r.at)
	for _, d := range h.both(r.site, "Proxy") {
		if url != "" && sameWorker(d.Arg(0), url) {
			candidates = append(candidates, d)
			candidates = append(candidates, d.Find("ProxySet")...)
			if r.at.Is("SetHandler", "RewriteRule") {
				at = d
			}
		}
	}
	if name, balanced := strings.CutPrefix(url, "balancer://"); balanced {
		name, _, _ = strings.Cut(name, "/")
		candidates = append(candidates, h.members(r.site, name)...)
	}
	for _, d := range candidates {
		for _, a := range d.Args {
			if k, v, ok := strings.Cut(a, "="); ok && strings.EqualFold(k, key) {
				value, at = v, d
			}
		}
	}
	return value, at
}

// sameWorker reports whether a <Proxy> section configures the worker of a URL. Apache compares the
// part after the socket.
func sameWorker(section, url string) bool {
	after := func(u string) string {
		if _, rest, unix := strings.Cut(u, "|"); unix {
			u = rest
		}
		return strings.ToLower(strings.TrimSuffix(u, "/"))
	}
	return after(section) == after(url)
}

// workerURL is the URL of the worker that a directive passes requests to.
func workerURL(d *webconf.Directive) string {
	for _, a := range d.Args {
		a = strings.TrimPrefix(a, "proxy:")
		if strings.HasPrefix(a, "unix:") || strings.Contains(a, "://") {
			if d.Is("RewriteRule") {
				a, _, _ = strings.Cut(a, "%{")
				a, _, _ = strings.Cut(a, "$")
			}
			return a
		}
	}
	return ""
}
