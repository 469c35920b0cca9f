package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// checks implements traits.
func (h *httpd) checks() []func(*place) []Finding {
	return []func(*place) []Finding{
		h.checkEncodedSlash, h.checkAuthorization, h.checkFlush, h.checkLength, h.checkWebSocket, h.checkForwarded,
		h.checkLimits, h.checkQuery, h.checkPath, h.checkHost, h.checkTimeout, h.checkErrors, h.checkWorker, h.checkBalancer,
		h.checkOrder, h.checkAliases, h.checkHandler, h.checkName, h.checkIdle,
	}
}

// directives implements traits.
func (h *httpd) directives(p *place) map[string]string {
	return map[string]string{
		"MGW-DOC-001": "AllowEncodedSlashes", "MGW-DOC-002": "CGIPassAuth", "MGW-DOC-003": "flushpackets",
		"MGW-DOC-004": "SetEnv ap_trust_cgilike_cl", "MGW-DOC-005": "upgrade=websocket", "MGW-DOC-006": "RequestHeader X-Forwarded-Proto",
		"MGW-DOC-007": "RequestHeader X-Forwarded-For", "MGW-DOC-008": "RequestHeader unset", "MGW-DOC-009": "LimitRequestBody",
		"MGW-DOC-010": "LimitRequestFieldSize", "MGW-DOC-013": "ProxyPreserveHost", "MGW-DOC-014": "RequestHeader Cookie",
		"MGW-DOC-016": "ProxyErrorOverride",
	}
}

// names implements traits.
func (h *httpd) names(s *site, app modgw.Descriptor) bool {
	d := h.value(s, string(app.Mount), func(d *webconf.Directive) bool { return d.Arg(0) == "MODGW_APP" }, "SetEnv")
	return d != nil && d.Arg(1) == string(app.Name)
}

// inside writes directives where they count for a place: in the section of its path if the site
// has one, and else in a section of their own before the route.
func (h *httpd) inside(p *place, lines ...string) edit {
	if p.route.section != nil {
		return insertInto(p.route.section, lines...)
	}
	list := h.tree.Children
	if p.site.at != nil {
		list = p.site.at.Children
	}
	for _, d := range list {
		if d.Is("Location") && d.Arg(0) == string(p.app.Mount) {
			return insertInto(d, lines...)
		}
	}
	if p.route.protocol == "http" {
		return insertBefore(p.route.at, lines...)
	}
	text := []string{fmt.Sprintf("<Location %q>", p.app.Mount)}
	for _, l := range lines {
		text = append(text, "    "+l)
	}
	return insertBefore(p.route.at, append(text, "</Location>")...)
}

// inLocation reports whether any section of URLs is for a place.
func (h *httpd) inLocation(p *place) bool {
	return slices.ContainsFunc(h.both(p.site, "Location", "LocationMatch"), func(d *webconf.Directive) bool {
		return sectionCovers(d, p.path())
	})
}

// top is the outermost section of a place's route within its site, or the route's directive.
func (p *place) top() *webconf.Directive {
	if p.route.section != nil {
		return p.route.section
	}
	return p.route.at
}

func (h *httpd) checkAuthorization(p *place) []Finding {
	unset := h.value(p.site, p.path(), func(d *webconf.Directive) bool {
		return headerIs(d, "Authorization") && strings.EqualFold(d.Arg(0), "unset")
	}, "RequestHeader")
	if unset != nil {
		return []Finding{p.finding("MGW-DOC-002").at(unset, unset.Name).by("remove this line", remove(unset))}
	}
	if p.route.protocol != "fastcgi" && p.route.protocol != "scgi" {
		return nil
	}
	pass := h.value(p.site, p.path(), nil, "CGIPassAuth")
	if pass != nil && strings.EqualFold(pass.Arg(0), "on") {
		return nil
	}
	legacy := h.value(p.site, p.path(), func(d *webconf.Directive) bool {
		return strings.EqualFold(d.Arg(0), "Authorization") && strings.HasPrefix(strings.Join(d.Args, " "), d.Arg(0)+" "+d.Arg(1)+" HTTP_AUTHORIZATION")
	}, "SetEnvIf", "SetEnvIfNoCase")
	if legacy != nil {
		return nil
	}
	const line = "CGIPassAuth On"
	if pass != nil {
		return []Finding{p.finding("MGW-DOC-002").at(pass, pass.Name).by(line, replace(pass, line))}
	}
	return []Finding{p.finding("MGW-DOC-002").at(p.route.at, "CGIPassAuth").by(line, h.inside(p, line))}
}

// headerIs reports whether a RequestHeader or Header directive is about a header.
func headerIs(d *webconf.Directive, name string) bool {
	return strings.EqualFold(d.Arg(1), name) || strings.EqualFold(d.Arg(2), name) && strings.EqualFold(d.Arg(0), "always")
}

// path is the mount of a place's app.
func (p *place) path() string { return string(p.app.Mount) }

func (h *httpd) checkErrors(p *place) []Finding {
	d := h.value(p.site, p.path(), nil, "ProxyErrorOverride")
	if d == nil || !strings.EqualFold(d.Arg(0), "on") {
		return nil
	}
	const line = "ProxyErrorOverride Off"
	return []Finding{p.finding("MGW-DOC-016").at(d, d.Name).by(line, replace(d, line))}
}

func (h *httpd) checkHandler(p *place) []Finding {
	if !p.route.at.Is("SetHandler") {
		return nil
	}
	f := p.finding("MGW-DOC-026").at(p.route.at, p.route.at.Name)
	url := workerURL(p.route.at)
	line := fmt.Sprintf("ProxyPass %q flushpackets=auto flushwait=5 timeout=%d", url, webserver.Timeout(p.app))
	return []Finding{f.by(line, replace(p.route.at, line))}
}

// checkName finds a MODGW_APP that is not the name of the app.
func (h *httpd) checkName(p *place) []Finding {
	d := h.value(p.site, p.path(), func(d *webconf.Directive) bool { return d.Arg(0) == "MODGW_APP" }, "SetEnv")
	if p.route.protocol != "fastcgi" || d == nil || d.Arg(1) == string(p.app.Name) || h.isInner(p, d) {
		return nil
	}
	line := fmt.Sprintf("SetEnv MODGW_APP %q", p.app.Name)
	return []Finding{p.finding("MGW-DOC-032", d.Arg(1)).at(d, d.Name).by(line, replace(d, line))}
}

// isInner reports whether a directive is in a section for a path longer than the app's mount.
func (h *httpd) isInner(p *place, d *webconf.Directive) bool {
	return d.Parent != nil && d.Parent.Is("Location") && len(d.Parent.Arg(0)) > len(p.path())
}
