package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// lighttpd is lighttpd.
type lighttpd struct{ *server }

var _ traits = (*lighttpd)(nil)

func (l *lighttpd) user() string {
	for _, d := range l.tree.Find("server.username") {
		return d.Arg(1)
	}
	return ""
}

// lighttpdModules has the module for each protocol.
var lighttpdModules = map[string]string{"fastcgi": "mod_fastcgi", "http": "mod_proxy", "scgi": "mod_scgi", "uwsgi": "mod_scgi"}

// checkServer implements traits.
func (l *lighttpd) checkServer() (found []Finding) {
	loads := l.tree.Everywhere("server.modules")
	said := map[string]bool{}
	for _, s := range l.sites {
		for _, r := range s.routes {
			module := lighttpdModules[r.protocol]
			loaded := slices.ContainsFunc(loads, func(d *webconf.Directive) bool { return values(d).has(module) })
			if !r.ours() || loaded || said[module] || len(loads) == 0 {
				continue
			}
			said[module] = true
			last := loads[len(loads)-1]
			line := fmt.Sprintf("server.modules += ( %q )", module)
			f := problem("MGW-DOC-045", module).at(last, "server.modules")
			found = append(found, f.by(line, edit{file: last.File, line: last.End + 1, end: last.End + 1, text: []string{line}}))
		}
		if len(s.certs) > 0 && !s.tls && s.isOurs() {
			f := problem("MGW-DOC-058").at(s.certs[0].at, "ssl.engine")
			found = append(found, f.by(`ssl.engine = "enable"`, insertBefore(s.certs[0].at, `ssl.engine = "enable"`)))
		}
	}
	return found
}

// directives implements traits.
func (l *lighttpd) directives(p *place) map[string]string {
	return map[string]string{
		"MGW-DOC-001": "server.http-parseopts", "MGW-DOC-003": "server.stream-response-body", "MGW-DOC-005": "proxy.header",
		"MGW-DOC-008": "setenv.set-request-header", "MGW-DOC-009": "server.max-request-size", "MGW-DOC-010": "server.max-request-field-size",
	}
}

// checks implements traits.
func (l *lighttpd) checks() []func(*place) []Finding { return []func(*place) []Finding{l.checkPlace} }

func (l *lighttpd) checkPlace(p *place) (found []Finding) {
	at := p.route.section
	set := func(code, key string, wrong func(string) bool, line string, args ...any) {
		d := effective(at, key)
		if d == nil && wrong("") {
			found = append(found, p.finding(code, args...).at(p.route.at, key).by(line, insertBefore(p.route.at, line)))
		} else if d != nil && wrong(d.Arg(1)) {
			found = append(found, p.finding(code, args...).at(d, key).by(line, replace(d, line)))
		}
	}
	set("MGW-DOC-003", "server.stream-response-body", func(v string) bool { return v == "" || v == "0" }, "server.stream-response-body = 1")
	body := fmt.Sprintf("server.max-request-size = %d", (max(p.app.Limits.Body, 0)+1023)/1024)
	if d := effective(at, "server.max-request-size"); d != nil {
		kib, _ := strconv.ParseInt(d.Arg(1), 10, 64)
		set("MGW-DOC-009", "server.max-request-size", func(string) bool {
			return kib > 0 && (p.app.Limits.Body <= 0 || kib<<10 < p.app.Limits.Body)
		}, body, size(kib<<10), bodyLimit(p.app))
	}
	set("MGW-DOC-010", "server.max-request-field-size", func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n < 8192
	}, "server.max-request-field-size = 8192")
	found = append(found, l.checkParsing(p)...)
	found = append(found, l.checkBackend(p)...)
	if p.route.protocol == "http" {
		found = append(found, l.checkProxy(p)...)
	} else if env := effective(at, "setenv.add-environment"); env != nil {
		if name := values(env).get("MODGW_APP"); name != "" && name != string(p.app.Name) {
			found = append(found, p.finding("MGW-DOC-032", name).at(env, env.Name).by(string(p.app.Name), change(env, func(text string) string {
				return strings.Replace(text, strconv.Quote(name), strconv.Quote(string(p.app.Name)), 1)
			})))
		}
	}
	if p.app.Upgrades() && !l.upgrades(p) {
		f := p.finding("MGW-DOC-005").at(p.route.at, "proxy.header")
		if p.route.protocol == "http" {
			const line = `proxy.header = ( "upgrade" => "enable" )`
			f = f.by(line, insertBefore(p.route.at, line))
		}
		found = append(found, f)
	}
	return found
}

func (l *lighttpd) upgrades(p *place) bool {
	return slices.ContainsFunc(p.site.routes, func(r *route) bool {
		header := effective(r.section, "proxy.header")
		return r.protocol == "http" && (r.covers(p.path()) || strings.HasPrefix(r.path, strings.TrimSuffix(p.path(), "/")+"/")) &&
			header != nil && values(header).get("upgrade") == "enable"
	})
}

// checkParsing finds options of the URL parser that change paths. Over FastCGI lighttpd also passes
// the path as the client sent it.
func (l *lighttpd) checkParsing(p *place) (found []Finding) {
	const off = `"url-path-2f-decode" => "disable"`
	d := effective(&l.tree.Directive, "server.http-parseopts")
	if d == nil {
		if p.route.protocol == "http" {
			line := "server.http-parseopts = ( " + off + " )"
			found = append(found, p.finding("MGW-DOC-001").at(p.route.at, "server.http-parseopts").by(line, insertBefore(outermost(p.route.at), line)))
		}
		return found
	}
	options := values(d)
	for _, option := range []string{"url-path-2f-decode", "url-path-2f-reject"} {
		if options.get(option) != "enable" || option == "url-path-2f-decode" && p.route.protocol != "http" {
			continue
		}
		on := regexp.MustCompile(`("` + option + `"\s*=>\s*)"enable"`)
		f := p.finding("MGW-DOC-001").at(d, d.Name)
		found = append(found, f.by(fmt.Sprintf("%q => %q", option, "disable"), change(d, func(text string) string {
			return on.ReplaceAllString(text, `${1}"disable"`)
		})))
	}
	if options.get("url-path-2f-decode") == "" && options.get("url-path-2f-reject") == "" && p.route.protocol == "http" {
		f := p.finding("MGW-DOC-001").at(d, d.Name)
		found = append(found, f.by(off, change(d, func(text string) string { return strings.Replace(text, "(", "( "+off+",", 1) })))
	}
	return found
}

// outermost is the section at the top of the configuration that has a directive, or the directive.
func outermost(d *webconf.Directive) *webconf.Directive {
	for d.Parent != nil && d.Parent.Name != "" {
		d = d.Parent
	}
	return d
}

// checkBackend looks at the parameters of the server that a route names.
func (l *lighttpd) checkBackend(p *place) (found []Finding) {
	d := p.route.at
	v := values(d)
	if v.get("check-local") == "" && p.route.protocol == "fastcgi" {
		found = append(found, p.finding("MGW-DOC-025").at(d, "check-local").by(`"check-local" => "disable"`, addMember(d, `"check-local" => "disable"`)))
	} else if v.get("check-local") == "enable" {
		on := regexp.MustCompile(`("check-local"\s*=>\s*)"enable"`)
		found = append(found, p.finding("MGW-DOC-025").at(d, "check-local").by(`"check-local" => "disable"`, change(d, func(text string) string {
			return on.ReplaceAllString(text, `${1}"disable"`)
		})))
	}
	for _, key := range []string{"read-timeout", "write-timeout"} {
		seconds, err := strconv.Atoi(v.get(key))
		patience := p.app.Timeouts.Request.Seconds()
		if err != nil || seconds == 0 || patience == 0 || float64(seconds) > patience {
			continue
		}
		right := fmt.Sprintf("%q => %d", key, webserver.Timeout(p.app))
		old := regexp.MustCompile(`"` + key + `"\s*=>\s*"?\d+"?`)
		f := p.finding("MGW-DOC-015", fmt.Sprintf("%d s", seconds), p.app.Timeouts.Request).at(d, key)
		found = append(found, f.by(right, change(d, func(text string) string { return old.ReplaceAllString(text, right) })))
	}
	if n, err := strconv.Atoi(v.get("disable-time")); err == nil && n > 1 {
		old := regexp.MustCompile(`"disable-time"\s*=>\s*"?\d+"?`)
		f := p.finding("MGW-DOC-022").at(d, "disable-time")
		found = append(found, f.by(`"disable-time" => 0`, change(d, func(text string) string {
			return old.ReplaceAllString(text, `"disable-time" => 0`)
		})))
	}
	return found
}

// addMember writes a member into the innermost list of a server.
func addMember(d *webconf.Directive, member string) edit {
	inner := regexp.MustCompile(`\(\s*\(`)
	return change(d, func(text string) string {
		at := inner.FindStringIndex(text)
		if at == nil {
			return text
		}
		return text[:at[1]] + " " + member + "," + text[at[1]:]
	})
}

// checkProxy checks the client's address that mod_proxy passes on.
func (l *lighttpd) checkProxy(p *place) (found []Finding) {
	unset := effective(p.route.section, "setenv.set-request-header")
	has := func(name string) bool {
		if unset == nil {
			return false
		}
		if slices.ContainsFunc(values(unset).list, func(m value) bool { return strings.EqualFold(m.key, name) }) {
			return true
		}
		variable := effective(p.route.section, unset.Arg(1)) // a list with a name
		return variable != nil && slices.ContainsFunc(values(variable).list, func(m value) bool { return strings.EqualFold(m.key, name) })
	}
	if !has("X-Forwarded-Prefix") || !has("X-Script-Name") {
		line := `setenv.set-request-header = ( "X-Forwarded-Prefix" => "", "X-Script-Name" => "", "Forwarded" => "" )`
		if unset == nil {
			f := p.finding("MGW-DOC-008", "that the app is mounted elsewhere").at(p.route.at, "setenv.set-request-header")
			found = append(found, f.by(line, insertBefore(p.route.at, line)))
		} else {
			found = append(found, p.finding("MGW-DOC-008", "that the app is mounted elsewhere").at(unset, unset.Name))
		}
	}
	return found
}

// names implements traits.
func (*lighttpd) names(*site, modgw.Descriptor) bool { return false }
