package doctor

import (
	"fmt"

	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// haproxy is HAProxy.
type haproxy struct{ *server }

var _ traits = (*haproxy)(nil)

func (h *haproxy) user() string {
	for _, global := range h.tree.Find("global") {
		for _, d := range global.Find("user") {
			return d.Arg(0)
		}
	}
	return ""
}

// readSites implements traits: sites are the frontends, each with the backends that it uses.
func (h *haproxy) readSites() (all []*site) {
	for _, front := range h.tree.Find("frontend", "listen") {
		s := &site{server: h.server, at: front, first: true}
		for _, bind := range front.Find("bind") {
			for a := range strings.SplitSeq(bind.Arg(0), ",") {
				s.addresses = append(s.addresses, listenAddress(a))
			}
			if i := slices.Index(bind.Args, "crt"); i >= 0 && i+1 < len(bind.Args) {
				s.tls = slices.Contains(bind.Args, "ssl")
				file := bind.Args[i+1]
				s.certs = append(s.certs, certificate{file: file, key: file, at: bind, keyAt: bind})
			}
		}
		for _, use := range front.Find("use_backend", "default_backend") {
			if back := h.section("backend", use.Arg(0)); back != nil {
				h.route(s, back, h.pathOf(front, use))
			}
		}
		if front.Is("listen") {
			h.route(s, front, "/")
		}
		all = append(all, s)
	}
	return all
}

// speaksFastCGI reports whether a server is to be spoken to by FastCGI.
func speaksFastCGI(member *webconf.Directive) bool {
	i := slices.Index(member.Args, "proto")
	return i >= 0 && i+1 < len(member.Args) && member.Args[i+1] == "fcgi"
}

func (h *haproxy) section(kind, name string) *webconf.Directive {
	for _, d := range h.tree.Find(kind) {
		if d.Arg(0) == name {
			return d
		}
	}
	return nil
}

// pathOf is the path that the condition of use_backend asks for.
func (h *haproxy) pathOf(front, use *webconf.Directive) string {
	for i, a := range use.Args {
		if (a == "path_beg" || a == "path") && i+1 < len(use.Args) {
			return "/" + strings.Trim(use.Args[i+1], "/")
		}
		for _, acl := range front.Find("acl") {
			if acl.Arg(0) == a && len(acl.Args) > 2 && strings.HasPrefix(acl.Arg(1), "path") {
				return "/" + strings.Trim(acl.Args[len(acl.Args)-1], "/")
			}
		}
	}
	return "/"
}

func (h *haproxy) route(s *site, back *webconf.Directive, path string) {
	members := back.Find("server")
	if len(members) == 0 {
		return
	}
	member := members[0]
	r := &route{site: s, path: path, protocol: "http", at: member, section: back}
	if speaksFastCGI(member) || len(back.Find("use-fcgi-app")) > 0 {
		r.protocol = "fastcgi"
	}
	address := member.Arg(1)
	if socket, unix := strings.CutPrefix(address, "unix@"); unix || strings.HasPrefix(address, "/") {
		r.target = modgw.Address("unix:" + socket)
	} else {
		r.target = normal(address)
	}
	s.routes = append(s.routes, r)
}

// setting returns the directive that applies in a section: its own, or else that of the defaults
// section before it.
func (h *haproxy) setting(section *webconf.Directive, words ...string) *webconf.Directive {
	fits := func(d *webconf.Directive) bool {
		return slices.Equal(append([]string{d.Name}, d.Args...)[:min(len(words), len(d.Args)+1)], words)
	}
	var found *webconf.Directive
	for _, s := range h.tree.Children {
		if s.Name == "defaults" && s.Line < section.Line || s == section {
			for _, d := range s.Children {
				if fits(d) {
					found = d
				}
			}
		}
	}
	return found
}

// checkServer implements traits.
func (h *haproxy) checkServer() (found []Finding) {
	for _, global := range h.tree.Find("global") {
		for _, d := range global.Find("tune.bufsize") {
			if n, err := strconv.Atoi(d.Arg(0)); err == nil && n < 16384 {
				found = append(found, problem("MGW-DOC-010").at(d, d.Name).by("tune.bufsize 16384", replace(d, "tune.bufsize 16384")))
			}
		}
	}
	return found
}

// directives implements traits.
func (h *haproxy) directives(p *place) map[string]string {
	return map[string]string{
		"MGW-DOC-001": "http-request normalize-uri", "MGW-DOC-006": "http-request set-header X-Forwarded-Proto",
		"MGW-DOC-007": "option forwardfor", "MGW-DOC-008": "http-request del-header", "MGW-DOC-010": "tune.bufsize",
		"MGW-DOC-013": "http-request set-header Host", "MGW-DOC-016": "http-response return",
	}
}

// rules are the http-request rules of a place, the frontend's first.
func (h *haproxy) rules(p *place) []*webconf.Directive {
	rules := p.site.at.Find("http-request")
	if p.route.section != p.site.at {
		rules = append(rules, p.route.section.Find("http-request")...)
	}
	return rules
}

// checks implements traits.
func (h *haproxy) checks() []func(*place) []Finding {
	return []func(*place) []Finding{h.checkTimeouts, h.checkForwarded, h.checkRules, h.checkProtocol, h.checkRetries}
}

func (h *haproxy) checkTimeouts(p *place) (found []Finding) {
	patience := p.app.Timeouts.Request
	if d := h.setting(p.route.section, "timeout", "server"); d != nil && patience > 0 {
		if limit, ok := parseTime(d.Arg(1), "ms"); ok && limit <= patience {
			line := fmt.Sprintf("timeout server %ds", webserver.Timeout(p.app))
			f := p.finding("MGW-DOC-015", limit, patience).at(d, "timeout server")
			if d.Parent == p.route.section {
				found = append(found, f.by(line, replace(d, line)))
			} else {
				found = append(found, f.by(line, insertBefore(p.route.at, line)))
			}
		}
	}
	return found
}

// sets returns the rule that sets a header; nil when none does.
func (h *haproxy) sets(p *place, name string) *webconf.Directive {
	for _, d := range h.rules(p) {
		if (d.Arg(0) == "set-header" || d.Arg(0) == "del-header") && strings.EqualFold(d.Arg(1), name) {
			return d
		}
	}
	return nil
}

func (h *haproxy) checkForwarded(p *place) (found []Finding) {
	if p.route.protocol != "http" {
		return nil
	}
	add := func(code, line string, args ...any) {
		f := p.finding(code, args...).at(p.route.at, strings.Join(strings.Fields(line)[:3], " "))
		found = append(found, f.by(line, insertBefore(p.route.at, line)))
	}
	forward := h.setting(p.route.section, "option", "forwardfor")
	if forward == nil {
		forward = h.setting(p.site.at, "option", "forwardfor")
	}
	switch set := h.sets(p, "X-Forwarded-For"); {
	case set != nil && set.Arg(0) == "set-header" && !strings.Contains(set.Arg(2), "src"):
		line := "http-request set-header X-Forwarded-For %[src]"
		found = append(found, p.finding("MGW-DOC-007").at(set, "http-request").by(line, replace(set, line)))
	case set == nil && forward == nil:
		add("MGW-DOC-007", "http-request set-header X-Forwarded-For %[src]")
	case set == nil && slices.Contains(forward.Args, "if-none"):
		f := p.finding("MGW-DOC-008", "any address of the client").at(forward, "option forwardfor")
		found = append(found, f.by("option forwardfor", replace(forward, "option forwardfor")))
	}
	if h.sets(p, "X-Forwarded-Proto") == nil {
		const line = "http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]"
		if p.site.tls {
			add("MGW-DOC-006", line)
		} else {
			add("MGW-DOC-008", line, "that it used TLS")
		}
	}
	for _, name := range prefixHeaders {
		if h.sets(p, name) == nil {
			add("MGW-DOC-008", "http-request del-header "+name, "that the app is mounted elsewhere")
		}
	}
	return append(found, p.checkTrust()...)
}

// checkRules finds rules that change requests or responses.
func (h *haproxy) checkRules(p *place) (found []Finding) {
	for _, d := range h.rules(p) {
		code, args := "", []any(nil)
		switch {
		case d.Arg(0) == "normalize-uri" && strings.HasPrefix(d.Arg(1), "percent-decode"), d.Arg(0) == "normalize-uri" && d.Arg(1) == "path-strip-dotdot":
			continue
		case d.Arg(0) == "normalize-uri" && d.Arg(1) == "path-merge-slashes":
			continue
		case d.Arg(0) == "del-header" && strings.EqualFold(d.Arg(1), "Authorization"):
			code = "MGW-DOC-002"
		case d.Arg(0) == "del-header" && strings.EqualFold(d.Arg(1), "Cookie"):
			code = "MGW-DOC-014"
		case d.Arg(0) == "set-query" && d.Arg(1) == "":
			code = "MGW-DOC-011"
		case d.Arg(0) == "set-header" && strings.EqualFold(d.Arg(1), "Host") && !strings.Contains(d.Arg(2), "%"):
			code = "MGW-DOC-013"
		case (d.Arg(0) == "set-path" || d.Arg(0) == "replace-path") && len(d.Args) > 1:
			code, args = "MGW-DOC-012", []any{strings.Join(d.Args, " ")}
		default:
			continue
		}
		if slices.Contains(d.Args, "if") && code != "MGW-DOC-012" {
			continue // not for all requests
		}
		found = append(found, p.finding(code, args...).at(d, "http-request "+d.Arg(0)).by("remove this line", remove(d)))
	}
	return found
}

// checkProtocol finds a backend for FastCGI that lacks the app's settings, or the other way round.
func (h *haproxy) checkProtocol(p *place) (found []Finding) {
	use := p.route.section.Find("use-fcgi-app")
	switch {
	case len(use) > 0 && !speaksFastCGI(p.route.at):
		line := "server … proto fcgi"
		return []Finding{p.finding("MGW-DOC-040", "HTTP", "fastcgi").at(p.route.at, "proto fcgi").by(line, change(p.route.at, func(text string) string {
			return strings.TrimRight(text, " \t") + " proto fcgi"
		}))}
	case len(use) == 0 && p.route.protocol == "fastcgi":
		return []Finding{p.finding("MGW-DOC-028", "DOCUMENT_ROOT").at(p.route.at, "use-fcgi-app")}
	case len(use) == 0:
		return nil
	}
	app := h.section("fcgi-app", use[0].Arg(0))
	if app == nil {
		return nil
	}
	if !slices.ContainsFunc(app.Find("pass-header"), func(d *webconf.Directive) bool { return strings.EqualFold(d.Arg(0), "Authorization") }) {
		const line = "pass-header Authorization"
		found = append(found, p.finding("MGW-DOC-002").at(app, "pass-header").by(line, insertInto(app, line)))
	}
	for _, d := range app.Find("set-param") {
		if d.Arg(0) == "MODGW_APP" && d.Arg(1) != string(p.app.Name) {
			line := fmt.Sprintf("set-param MODGW_APP %q", p.app.Name)
			found = append(found, p.finding("MGW-DOC-032", d.Arg(1)).at(d, "set-param").by(line, replace(d, line)))
		}
	}
	return found
}

func (h *haproxy) checkRetries(p *place) []Finding {
	d := h.setting(p.route.section, "retry-on")
	if d == nil || !slices.ContainsFunc(d.Args, func(a string) bool { return a == "all-retryable-errors" || a == "empty-response" || a == "conn-reset" }) {
		return nil
	}
	if guarded := slices.ContainsFunc(h.rules(p), func(r *webconf.Directive) bool { return r.Arg(0) == "disable-l7-retry" }); guarded {
		return nil
	}
	const line = "http-request disable-l7-retry unless METH_GET"
	return []Finding{p.finding("MGW-DOC-021").at(d, "retry-on").by(line, insertBefore(p.route.at, line))}
}

// names implements traits.
func (*haproxy) names(*site, modgw.Descriptor) bool { return false }
