package doctor

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// checkPlace runs all checks of the way to an app.
func (h *httpd) checkPlace(p *place) (found []Finding) {
	for _, check := range []func(*place) []Finding{
		h.checkEncodedSlash, h.checkAuthorization, h.checkFlush, h.checkLength, h.checkWebSocket, h.checkForwarded,
		h.checkLimits, h.checkQuery, h.checkPath, h.checkHost, h.checkTimeout, h.checkErrors, h.checkWorker, h.checkBalancer,
		h.checkOrder, h.checkAliases, h.checkHandler, h.checkName, h.checkIdle,
	} {
		found = append(found, check(p)...)
	}
	return found
}

// missing implements traits.
func (h *httpd) missing(p *place, code string) (*webconf.Directive, string) {
	directive := map[string]string{
		"MGW-DOC-001": "AllowEncodedSlashes", "MGW-DOC-002": "CGIPassAuth", "MGW-DOC-003": "flushpackets",
		"MGW-DOC-004": "SetEnv ap_trust_cgilike_cl", "MGW-DOC-005": "upgrade=websocket", "MGW-DOC-006": "RequestHeader X-Forwarded-Proto",
		"MGW-DOC-007": "RequestHeader X-Forwarded-For", "MGW-DOC-008": "RequestHeader unset", "MGW-DOC-009": "LimitRequestBody",
		"MGW-DOC-010": "LimitRequestFieldSize", "MGW-DOC-013": "ProxyPreserveHost", "MGW-DOC-014": "RequestHeader Cookie",
		"MGW-DOC-016": "ProxyErrorOverride",
	}[code]
	if directive == "" {
		directive = p.route.at.Name
	}
	return p.route.at, directive
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

func (h *httpd) checkFlush(p *place) []Finding {
	if p.route.protocol != "fastcgi" {
		return nil
	}
	value, at := h.parameter(p.route, "flushpackets")
	if strings.EqualFold(value, "on") || strings.EqualFold(value, "auto") {
		return nil
	}
	f := p.finding("MGW-DOC-003").at(at, "flushpackets")
	if at.Is("SetHandler", "RewriteRule") {
		f.Fix = fmt.Sprintf("<Proxy %q flushpackets=auto flushwait=5>", workerURL(at))
		return []Finding{f}
	}
	return []Finding{f.by("flushpackets=auto flushwait=5", setParameters(at, "flushpackets=auto", "flushwait=5"))}
}

// setParameters writes key=value parameters at the end of a directive, in place of those it has.
func setParameters(d *webconf.Directive, parameters ...string) edit {
	return change(d, func(text string) string {
		section := d.Block
		if section {
			text = strings.TrimSuffix(strings.TrimRight(text, " \t"), ">")
			text, _, _ = strings.Cut(text, ">\n")
		}
		for _, parameter := range parameters {
			key, _, _ := strings.Cut(parameter, "=")
			old := regexp.MustCompile(`(?i)([ \t])` + regexp.QuoteMeta(key) + `=("[^"]*"|[^ \t\n>]*)`)
			if old.MatchString(text) {
				text = old.ReplaceAllString(text, "${1}"+parameter)
			} else {
				text = strings.TrimRight(text, " \t") + " " + parameter
			}
		}
		if section {
			text += ">"
		}
		return text
	})
}

func (h *httpd) checkLength(p *place) []Finding {
	if p.route.protocol != "fastcgi" {
		return nil
	}
	trusted := h.value(p.site, p.path(), func(d *webconf.Directive) bool {
		return strings.Contains(strings.Join(d.Args, " "), "ap_trust_cgilike_cl")
	}, "SetEnv", "SetEnvIf", "SetEnvIfNoCase", "SetEnvIfExpr")
	if trusted != nil {
		return nil
	}
	const line = "SetEnv ap_trust_cgilike_cl 1"
	return []Finding{p.finding("MGW-DOC-004").at(p.route.at, "SetEnv ap_trust_cgilike_cl").by(line, h.inside(p, line))}
}

func (h *httpd) checkWebSocket(p *place) []Finding {
	if !p.app.Upgrades() || h.upgrades(p) {
		return nil
	}
	f := p.finding("MGW-DOC-005").at(p.route.at, "upgrade=websocket")
	timeout := webserver.WebSocketTimeout(p.app)
	if p.route.protocol == "http" {
		if _, at := h.parameter(p.route, "upgrade"); !at.Is("SetHandler", "RewriteRule") {
			return []Finding{f.by("upgrade=websocket", setParameters(at, "upgrade=websocket", fmt.Sprintf("timeout=%d", timeout)))}
		}
		return []Finding{f}
	}
	d := h.doctor
	web := webserver.Reach(d.Listeners, "http")
	if web == "" || !webserver.Believes(web, d.TrustedProxies) {
		f.File, f.Line, f.Directive = d.HostFile, 0, `listen "http"`
		f.Fix = `listen "http" { address = "unix:/run/modgw/http.sock" }`
		return []Finding{f}
	}
	url := "http://" + string(web.Dialable())
	if web.Network() == "unix" {
		url = fmt.Sprintf("unix:%s|http://%s", web.Target(), plainName(p.app.Name))
	}
	lines := []string{
		fmt.Sprintf("<Proxy %q upgrade=websocket timeout=%d>", url+"/", timeout), "</Proxy>",
		"RewriteEngine On", "RewriteCond %{HTTP:Upgrade} =websocket [NC]",
		fmt.Sprintf(`RewriteRule %s %q [P]`, mountPattern(p.app.Mount), url+"%{REQUEST_URI}"),
	}
	return []Finding{f.by("RewriteRule … [P] to "+string(web), insertBefore(p.top(), lines...))}
}

// plainName is an app's name as the name of a worker.
func plainName(app modgw.AppName) string {
	return notInName.ReplaceAllString(strings.ToLower(string(app)), "-") + ".modgw"
}

var notInName = regexp.MustCompile(`[^a-z0-9.-]`)

func mountPattern(m modgw.MountPath) string {
	if m == "/" {
		return "^/"
	}
	return "^" + regexp.QuoteMeta(string(m)) + "(/|$)"
}

// upgrades reports whether some requests below a place may become WebSockets.
func (h *httpd) upgrades(p *place) bool {
	return slices.ContainsFunc(p.site.routes, func(r *route) bool {
		if !r.covers(p.path()) && !strings.HasPrefix(r.path, strings.TrimSuffix(p.path(), "/")+"/") || r.at == nil {
			return false
		}
		upgrade, _ := h.parameter(r, "upgrade")
		url := workerURL(r.at)
		return upgrade != "" || strings.Contains(url, "ws://")
	})
}

// prefixHeaders say where an app is mounted. Clients must not set them.
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
	if !webserver.Believes(p.route.target, h.doctor.TrustedProxies) && p.route.target.Network() != "unix" {
		f := p.finding("MGW-DOC-007")
		f.File, f.Directive = h.doctor.HostFile, "trusted_proxies"
		host, _, _ := net.SplitHostPort(p.route.target.Target())
		f.Fix = fmt.Sprintf("trusted_proxies = [%q]", host)
		found = append(found, f)
	}
	return found
}

func (h *httpd) checkLimits(p *place) (found []Finding) {
	if d := h.value(p.site, p.path(), nil, "LimitRequestBody"); d != nil {
		limit, _ := strconv.ParseInt(d.Arg(0), 10, 64)
		if limit > 0 && (p.app.Limits.Body <= 0 || limit < p.app.Limits.Body) {
			const line = "LimitRequestBody 0"
			found = append(found, p.finding("MGW-DOC-009", size(limit), bodyLimit(p.app)).at(d, d.Name).by(line, replace(d, line)))
		}
	}
	for name, least := range map[string]int64{"LimitRequestFieldSize": 8190, "LimitRequestLine": 8190, "LimitRequestFields": 100} {
		for _, d := range h.both(p.site, name) {
			if limit, err := strconv.ParseInt(d.Arg(0), 10, 64); err == nil && limit > 0 && limit < least {
				line := fmt.Sprintf("%s %d", name, least)
				found = append(found, p.finding("MGW-DOC-010").at(d, d.Name).by(line, replace(d, line)))
			}
		}
	}
	return found
}

// size is a number of bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.bytes {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/float64(unit.bytes)), ".0") + " " + unit.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// bodyLimit is how large requests of an app may be.
func bodyLimit(app modgw.Descriptor) string {
	if app.Limits.Body <= 0 {
		return "any"
	}
	return size(app.Limits.Body)
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
	_, _, path, _ := address(to)
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

func (h *httpd) checkTimeout(p *place) []Finding {
	seconds, at := 60, p.route.at
	for _, name := range []string{"Timeout", "ProxyTimeout"} {
		for _, d := range h.both(p.site, name) {
			if n, err := strconv.Atoi(d.Arg(0)); err == nil {
				seconds, at = n, d
			}
		}
	}
	value, own := h.parameter(p.route, "timeout")
	if n, err := strconv.Atoi(value); err == nil {
		seconds, at = n, own
	}
	patience := p.app.Timeouts.Request.Seconds()
	if patience == 0 || float64(seconds) > patience {
		return nil
	}
	f := p.finding("MGW-DOC-015", fmt.Sprintf("%d s", seconds), p.app.Timeouts.Request).at(at, at.Name)
	right := fmt.Sprintf("timeout=%d", webserver.Timeout(p.app))
	if own.Is("SetHandler", "RewriteRule") {
		line := fmt.Sprintf("ProxyTimeout %d", webserver.Timeout(p.app))
		return []Finding{f.by(line, insertBefore(p.top(), line))}
	}
	return []Finding{f.by(right, setParameters(own, right))}
}

func (h *httpd) checkErrors(p *place) []Finding {
	d := h.value(p.site, p.path(), nil, "ProxyErrorOverride")
	if d == nil || !strings.EqualFold(d.Arg(0), "on") {
		return nil
	}
	const line = "ProxyErrorOverride Off"
	return []Finding{p.finding("MGW-DOC-016").at(d, d.Name).by(line, replace(d, line))}
}

// checkWorker finds workers that Apache takes for one: it compares what follows the "|".
func (h *httpd) checkWorker(p *place) []Finding {
	name := workerName(workerURL(p.route.at))
	if name == "" {
		return nil
	}
	for _, s := range h.sites {
		for _, r := range s.routes {
			if r.at == nil || r.at == p.route.at {
				if r.at == p.route.at {
					return nil // only what comes later goes elsewhere
				}
				continue
			}
			if workerName(workerURL(r.at)) == name && r.target != p.route.target {
				own := plainName(p.app.Name)
				if strings.HasSuffix(name, "://"+own) {
					own = "of-" + own
				}
				f := p.finding("MGW-DOC-018", name, r.at.File, r.at.Line).at(p.route.at, p.route.at.Name)
				return []Finding{f.by("name it "+own, change(p.route.at, func(text string) string {
					scheme, _, _ := strings.Cut(name, "://")
					return strings.Replace(text, name, scheme+"://"+own, 1)
				}))}
			}
		}
	}
	return nil
}

// workerName is the protocol and name of a worker on a Unix socket; "" for others.
func workerName(url string) string {
	_, url, unix := strings.Cut(url, "|")
	if !unix {
		return ""
	}
	scheme, name, _ := strings.Cut(url, "://")
	name, _, _ = strings.Cut(name, "/")
	return scheme + "://" + name
}

func (h *httpd) checkBalancer(p *place) []Finding {
	name, balanced := strings.CutPrefix(workerURL(p.route.at), "balancer://")
	if !balanced {
		return nil
	}
	name, _, _ = strings.Cut(name, "/")
	members := h.members(p.site, name)
	if len(members) > 1 {
		return []Finding{p.finding("MGW-DOC-021").at(members[1], members[1].Name)}
	}
	for _, m := range members {
		if !slices.Contains(m.Args, "retry=0") {
			return []Finding{p.finding("MGW-DOC-022").at(m, m.Name).by("retry=0", setParameters(m, "retry=0"))}
		}
	}
	return nil
}

// checkOrder finds a route for the very mount of an app that comes after the one that takes its
// requests.
func (h *httpd) checkOrder(p *place) []Finding {
	for _, r := range p.site.routes {
		if r == p.route || r.at == nil || r.path != p.path() || p.route.path == p.path() || !r.at.Is("ProxyPass") || r.section != nil ||
			!p.route.at.Is("ProxyPass") || r.target == "" || p.route.section != nil {
			continue
		}
		f := p.finding("MGW-DOC-023", p.route.path).at(r.at, r.at.Name)
		if r.at.File == p.route.at.File && r.at.Parent == p.route.at.Parent {
			lines, err := readLines(r.at.File)
			if err == nil {
				moved := edit{file: r.at.File, line: p.route.at.Line, end: p.route.at.Line, text: lines[r.at.Line-1 : r.at.End]}
				f = f.by("move it before that line", moved, remove(r.at))
			}
		}
		return []Finding{f}
	}
	return nil
}

func (h *httpd) checkAliases(p *place) (found []Finding) {
	for _, a := range h.both(p.site, "Alias") {
		url, dir := "/"+strings.Trim(a.Arg(0), "/"), a.Arg(1)
		if !p.route.covers(url) || url == p.route.path {
			continue
		}
		first := p.site.route(url, func(*route) bool { return true })
		if first != nil && first.target == "" && first.protocol == "" {
			if f, denied := h.checkAccess(p, a, dir); denied {
				found = append(found, f)
			}
			continue
		}
		if first == nil || first.at.Is("RewriteRule") || first != p.route {
			continue
		}
		line := fmt.Sprintf("ProxyPass %q %q", url, "!")
		f := p.finding("MGW-DOC-024", url).at(a, a.Name)
		found = append(found, f.by(line, insertBefore(p.top(), line)))
	}
	return found
}

// checkAccess finds the files of an alias to which Apache denies access.
func (h *httpd) checkAccess(p *place, alias *webconf.Directive, dir string) (Finding, bool) {
	dir = filepath.Clean(dir)
	var rule *webconf.Directive
	length := -1
	for _, d := range h.both(p.site, "Directory") {
		at := filepath.Clean(d.Arg(0))
		if at != "/" && dir != at && !strings.HasPrefix(dir, at+"/") {
			continue
		}
		for _, r := range d.Find("Require") {
			if len(at) >= length {
				rule, length = r, len(at)
			}
		}
	}
	if rule == nil || !strings.EqualFold(strings.Join(rule.Args, " "), "all denied") {
		return Finding{}, false
	}
	f := p.finding("MGW-DOC-064", dir).at(rule, rule.Name)
	if filepath.Clean(rule.Parent.Arg(0)) == dir {
		return f.by("Require all granted", replace(rule, "Require all granted")), true
	}
	return f.by("Require all granted", insertBefore(alias,
		fmt.Sprintf("<Directory %q>", dir), "    Require all granted", "</Directory>")), true
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

// isInner reports whether a directive stands in a section that is for a longer path than the app's
// mount.
func (h *httpd) isInner(p *place, d *webconf.Directive) bool {
	return d.Parent != nil && d.Parent.Is("Location") && len(d.Parent.Arg(0)) > len(p.path())
}

// idleTimeout is how long the host keeps an idle connection over HTTP.
const idleTimeout = 60

func (h *httpd) checkIdle(p *place) []Finding {
	if p.route.protocol != "http" {
		return nil
	}
	value, at := h.parameter(p.route, "ttl")
	ttl, err := strconv.Atoi(value)
	limit := idleTimeout
	if l := h.doctor.listener(p.route.target); l != nil && l.IdleTimeout > 0 {
		limit = int(l.IdleTimeout.Seconds())
	}
	if err != nil || ttl < limit {
		return nil
	}
	right := fmt.Sprintf("ttl=%d", limit/2)
	f := p.finding("MGW-DOC-027", fmt.Sprintf("%d s", ttl), fmt.Sprintf("%d s", limit)).at(at, "ttl")
	return []Finding{f.by(right, setParameters(at, right))}
}
