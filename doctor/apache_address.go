package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

func (h *httpd) checkEncodedSlash(p *place) []Finding {
	list := h.tree.Children
	if p.site.at != nil {
		list = p.site.at.Children // virtual hosts do not inherit it
	}
	var set *webconf.Directive
	for _, d := range list {
		if d.Is("AllowEncodedSlashes") {
			set = d
		}
	}
	const line = "AllowEncodedSlashes NoDecode"
	switch {
	case set == nil && p.site.at != nil:
		f := p.finding("MGW-DOC-001").at(p.site.at, "AllowEncodedSlashes")
		return []Finding{f.by(line, insertInto(p.site.at, line))}
	case set == nil:
		return []Finding{p.finding("MGW-DOC-001").at(p.route.at, "AllowEncodedSlashes").by(line, insertBefore(p.top(), line))}
	case strings.EqualFold(set.Arg(0), "off"), strings.EqualFold(set.Arg(0), "on") && p.route.protocol == "http":
		return []Finding{p.finding("MGW-DOC-001").at(set, set.Name).by(line, replace(set, line))}
	}
	// A section of URLs makes mod_proxy_http forget the setting, and it sends %252F.
	if p.route.protocol == "http" && p.route.at.Is("ProxyPass") && h.inLocation(p) &&
		!slices.ContainsFunc(p.route.at.Args, func(a string) bool { return strings.EqualFold(a, "nocanon") }) {
		return []Finding{p.finding("MGW-DOC-001").at(p.route.at, "nocanon").by("nocanon", change(p.route.at, func(text string) string {
			return strings.TrimRight(text, " \t") + " nocanon"
		}))}
	}
	return nil
}

// prefixHeaders are the headers with an app's mount. Clients must not be able to set them.
var prefixHeaders = []string{"X-Forwarded-Prefix", "X-Script-Name"}

func (h *httpd) checkForwarded(p *place) (found []Finding) {
	if p.route.protocol != "http" {
		return nil
	}
	sets := func(name string, verbs ...string) *webconf.Directive {
		return h.value(p.site, p.path(), func(d *webconf.Directive) bool {
			return headerIs(d, name) && slices.Contains(verbs, strings.ToLower(d.Arg(0)))
		}, "RequestHeader")
	}
	if sets("X-Forwarded-Proto", "set", "setifempty", "unset") == nil {
		const line = "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}"
		f := p.finding("MGW-DOC-006").at(p.route.at, "RequestHeader X-Forwarded-Proto")
		if !p.site.tls {
			f = p.finding("MGW-DOC-008", "that it used TLS").at(p.route.at, "RequestHeader X-Forwarded-Proto")
		}
		found = append(found, f.by(line, h.inside(p, line)))
	}
	if wrong := sets("X-Forwarded-Proto", "set"); wrong != nil && p.site.tls == strings.EqualFold(wrong.Arg(2), "http") &&
		(strings.EqualFold(wrong.Arg(2), "http") || strings.EqualFold(wrong.Arg(2), "https")) {
		const line = "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}"
		found = append(found, p.finding("MGW-DOC-006").at(wrong, wrong.Name).by(line, replace(wrong, line)))
	}
	for _, name := range prefixHeaders {
		if sets(name, "set", "unset") == nil {
			line := "RequestHeader unset " + name
			f := p.finding("MGW-DOC-008", "that the app is mounted elsewhere").at(p.route.at, line)
			found = append(found, f.by(line, h.inside(p, line)))
		}
	}
	if off := h.value(p.site, p.path(), nil, "ProxyAddHeaders"); off != nil && strings.EqualFold(off.Arg(0), "off") {
		found = append(found, p.finding("MGW-DOC-007").at(off, off.Name).by("remove this line", remove(off)))
	}
	return append(found, p.checkTrust()...)
}

func (h *httpd) checkQuery(p *place) []Finding {
	d := p.route.at
	if p.route.protocol == "fastcgi" && slices.ContainsFunc(d.Args, func(a string) bool { return strings.EqualFold(a, "nocanon") }) {
		nocanon := regexp.MustCompile(`(?i)[ \t]nocanon\b`)
		return []Finding{p.finding("MGW-DOC-011").at(d, "nocanon").by("remove nocanon", change(d, func(text string) string {
			return nocanon.ReplaceAllString(text, "")
		}))}
	}
	if d.Is("RewriteRule") && strings.HasSuffix(d.Arg(1), "?") {
		return []Finding{p.finding("MGW-DOC-011").at(d, d.Name).by("remove the ? at the end of the URL", change(d, func(text string) string {
			return strings.Replace(text, d.Arg(1), strings.TrimSuffix(d.Arg(1), "?"), 1)
		}))}
	}
	return nil
}

func (h *httpd) checkPath(p *place) (found []Finding) {
	r := p.route
	if !r.at.Is("ProxyPass") || strings.Contains(workerURL(r.at), "balancer://") {
		return nil
	}
	if r.slash && r.path == p.path() {
		to := workerURL(r.at)
		trimmed := to
		if !strings.HasSuffix(to, "://") && strings.Count(to, "/") > 3 {
			trimmed = strings.TrimSuffix(to, "/")
		}
		f := p.finding("MGW-DOC-029", p.path()).at(r.at, r.at.Name)
		if r.section == nil {
			f = f.by(fmt.Sprintf("ProxyPass %q", r.path), change(r.at, func(text string) string {
				text = strings.Replace(text, r.path+"/", r.path, 1)
				if r.protocol == "http" {
					text = strings.Replace(text, to, trimmed, 1)
				}
				return text
			}))
		}
		return []Finding{f}
	}
	if r.protocol != "http" {
		return nil
	}
	to := workerURL(r.at)
	_, _, path := address(to)
	if "/"+strings.Trim(path, "/") == r.path && (strings.HasSuffix(path, "/") == r.slash || r.path == "/") {
		return nil
	}
	right := strings.TrimSuffix(strings.TrimSuffix(to, path), "/") + r.path
	if r.slash {
		right += "/"
	}
	f := p.finding("MGW-DOC-012", fmt.Sprintf("%s becomes /%s", r.path, strings.Trim(path, "/"))).at(r.at, r.at.Name)
	return []Finding{f.by(fmt.Sprintf("ProxyPass … %q", right), change(r.at, func(text string) string {
		return strings.Replace(text, to, right, 1)
	}))}
}

func (h *httpd) checkHost(p *place) []Finding {
	if p.route.protocol != "http" {
		return nil
	}
	const line = "ProxyPreserveHost On"
	d := h.value(p.site, p.path(), nil, "ProxyPreserveHost")
	switch {
	case d == nil:
		return []Finding{p.finding("MGW-DOC-013").at(p.route.at, "ProxyPreserveHost").by(line, h.inside(p, line))}
	case !strings.EqualFold(d.Arg(0), "on"):
		return []Finding{p.finding("MGW-DOC-013").at(d, d.Name).by(line, replace(d, line))}
	}
	return nil
}
