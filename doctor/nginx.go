package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// checkServer implements traits.
func (n *nginx) checkServer() (found []Finding) {
	type taken struct{ address, name string }
	first := map[taken]*site{}
	for _, s := range n.sites {
		if !slices.ContainsFunc(s.routes, (*route).ours) {
			for _, name := range s.names {
				for _, a := range s.addresses {
					if first[taken{a, name}] == nil {
						first[taken{a, name}] = s
					}
				}
			}
			continue
		}
		for _, name := range s.names {
			for _, a := range s.addresses {
				if other := first[taken{a, name}]; other != nil && other != s {
					found = append(found, problem("MGW-DOC-035", name, other.named.File, other.named.Line).at(s.named, s.named.Name))
				} else {
					first[taken{a, name}] = s
				}
			}
		}
		found = append(found, n.checkTLS(s)...)
	}
	return found
}

func (n *nginx) checkTLS(s *site) (found []Finding) {
	if len(s.certs) > 0 && !s.tls {
		for _, l := range s.at.Find("listen") {
			if portOf(listenAddress(l.Arg(0))) == "443" || len(s.at.Find("listen")) == 1 {
				line := "listen " + strings.Join(append(slices.Clone(l.Args), "ssl"), " ") + ";"
				found = append(found, problem("MGW-DOC-058").at(l, l.Name).by(line, replace(l, line)))
			}
		}
	}
	if d := effective(s.at, "ssl_protocols"); d != nil && s.tls {
		if old := oldProtocols(d.Args); len(old) > 0 {
			const line = "ssl_protocols TLSv1.2 TLSv1.3;"
			found = append(found, problem("MGW-DOC-057", strings.Join(old, ", ")).at(d, d.Name).by(line, replace(d, line)))
		}
	}
	return found
}

// checkPlace implements traits.
func (n *nginx) checkPlace(p *place) (found []Finding) {
	for _, check := range []func(*place) []Finding{
		n.checkBody, n.checkTimeouts, n.checkVariables, n.checkHeaders, n.checkPath, n.checkWebSocket, n.checkBuffering, n.checkErrors,
		n.checkRetries, n.checkAuthorization, n.checkIdle,
	} {
		found = append(found, check(p)...)
	}
	return found
}

// missing implements traits.
func (n *nginx) missing(p *place, code string) (*webconf.Directive, string) {
	directive := map[string]string{
		"MGW-DOC-003": "proxy_buffering", "MGW-DOC-005": "proxy_set_header Upgrade", "MGW-DOC-006": "proxy_set_header X-Forwarded-Proto",
		"MGW-DOC-007": "proxy_set_header X-Forwarded-For", "MGW-DOC-008": "proxy_set_header", "MGW-DOC-009": "client_max_body_size",
		"MGW-DOC-010": "large_client_header_buffers", "MGW-DOC-013": "proxy_set_header Host", "MGW-DOC-016": "fastcgi_intercept_errors",
		"MGW-DOC-017": p.module() + "_buffer_size",
	}[code]
	if directive == "" {
		directive = p.route.at.Name
	}
	return p.route.at, directive
}

// names implements traits.
func (n *nginx) names(s *site, app modgw.Descriptor) bool {
	for _, r := range s.routes {
		for _, d := range effectiveList(r.section, strings.TrimSuffix(r.at.Name, "_pass")+"_param") {
			if d.Arg(0) == "MODGW_APP" {
				return d.Arg(1) == string(app.Name)
			}
		}
	}
	return false
}

// module is the beginning of the names of directives for a place's protocol.
func (p *place) module() string { return strings.TrimSuffix(p.route.at.Name, "_pass") }

// within writes directives at the beginning of a place's location.
func within(p *place, lines ...string) edit { return insertInto(p.route.section, lines...) }

func (n *nginx) checkBody(p *place) []Finding {
	d := effective(p.route.section, "client_max_body_size")
	limit, at := int64(1<<20), p.route.at
	if d != nil {
		limit, at = bytesOf(d.Arg(0)), d
	}
	if limit <= 0 || p.app.Limits.Body > 0 && limit >= p.app.Limits.Body {
		return nil
	}
	line := fmt.Sprintf("client_max_body_size %d;", max(p.app.Limits.Body, 0))
	f := p.finding("MGW-DOC-009", size(limit), bodyLimit(p.app)).at(at, "client_max_body_size")
	if d != nil && d.Parent == p.route.section {
		return []Finding{f.by(line, replace(d, line))}
	}
	return []Finding{f.by(line, within(p, line))}
}

// seconds reads a time of nginx.
func seconds(text string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

func (n *nginx) checkTimeouts(p *place) (found []Finding) {
	patience := p.app.Timeouts.Request
	for _, name := range []string{p.module() + "_read_timeout", p.module() + "_send_timeout"} {
		d := effective(p.route.section, name)
		limit, at := 60*time.Second, p.route.at
		if d != nil {
			var ok bool
			if limit, ok = seconds(d.Arg(0)); !ok {
				continue
			}
			at = d
		}
		if patience == 0 || limit > patience || d == nil && strings.HasSuffix(name, "_send_timeout") {
			continue
		}
		line := fmt.Sprintf("%s %ds;", name, webserver.Timeout(p.app))
		f := p.finding("MGW-DOC-015", limit, patience).at(at, name)
		if d != nil && d.Parent == p.route.section {
			found = append(found, f.by(line, replace(d, line)))
		} else {
			found = append(found, f.by(line, within(p, line)))
		}
	}
	return found
}

// variables are those that the host cannot do without, with what they must be and the code of what
// goes wrong without them.
var variables = []struct {
	name, value, code string
	right             []string // other values that do
}{
	{"REQUEST_METHOD", "$request_method", "MGW-DOC-028", nil},
	{"REQUEST_URI", "$request_uri", "MGW-DOC-028", nil},
	{"QUERY_STRING", "$query_string", "MGW-DOC-011", []string{"$args"}},
	{"CONTENT_TYPE", "$content_type", "MGW-DOC-028", []string{"$http_content_type"}},
	{"CONTENT_LENGTH", "$content_length", "MGW-DOC-019", []string{"$http_content_length"}},
	{"SERVER_PROTOCOL", "$server_protocol", "MGW-DOC-028", nil},
	{"REMOTE_ADDR", "$remote_addr", "MGW-DOC-007", []string{"$realip_remote_addr", "$proxy_protocol_addr"}},
	{"HTTPS", "$https if_not_empty", "MGW-DOC-006", []string{"$https", "on"}},
}

func (n *nginx) checkVariables(p *place) (found []Finding) {
	if p.route.protocol == "http" {
		return nil
	}
	list := effectiveList(p.route.section, p.module()+"_param")
	var missing []string
	for _, v := range variables {
		if v.name == "HTTPS" && !p.site.tls {
			continue
		}
		line := fmt.Sprintf("%s_param %s %s;", p.module(), v.name, v.value)
		var set *webconf.Directive
		for _, d := range list {
			if d.Arg(0) == v.name {
				set = d
			}
		}
		var args []any
		if v.code == "MGW-DOC-028" {
			args = []any{v.name}
		}
		scheme := slices.ContainsFunc(list, func(d *webconf.Directive) bool { return d.Arg(0) == "REQUEST_SCHEME" })
		switch {
		case set == nil && v.name == "HTTPS" && scheme:
		case set == nil:
			missing = append(missing, line)
			found = append(found, p.finding(v.code, args...).at(p.route.at, p.module()+"_param "+v.name))
		case set.Arg(1) != strings.TrimSuffix(v.value, " if_not_empty") && !slices.Contains(v.right, set.Arg(1)):
			found = append(found, p.finding(v.code, args...).at(set, set.Name+" "+v.name).by(line, replace(set, line)))
		}
	}
	return n.addVariables(p, found, list, missing)
}

// addVariables lets each finding write the variables that it lacks. A location that has variables
// of its own inherits none: one that has few gets all of those around it again.
func (n *nginx) addVariables(p *place, found []Finding, list []*webconf.Directive, missing []string) []Finding {
	if len(list) > 0 && list[0].Parent != p.route.section {
		for _, d := range list {
			missing = append(missing, fmt.Sprintf("%s %s;", d.Name, quotedArgs(d)))
		}
	}
	for i, f := range found {
		if f.edits != nil {
			continue
		}
		fix, _, _ := strings.Cut(strings.Join(missing, " "), "; ")
		if len(missing) > 1 {
			fix = fmt.Sprintf("include fastcgi_params, or the %d variables that are missing", len(missing))
		}
		found[i] = f.by(fix, within(p, missing...))
	}
	return found
}

// quotedArgs are the arguments of a directive as nginx reads them again.
func quotedArgs(d *webconf.Directive) string {
	var args []string
	for _, a := range d.Args {
		if a == "" || strings.ContainsAny(a, " \t;{}\"'") {
			a = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
		}
		args = append(args, a)
	}
	return strings.Join(args, " ")
}

// header returns the directive that sets a request header at a place; nil when none does.
func (n *nginx) header(p *place, name string) *webconf.Directive {
	var set *webconf.Directive
	for _, d := range effectiveList(p.route.section, "proxy_set_header") {
		if strings.EqualFold(d.Arg(0), name) {
			set = d
		}
	}
	return set
}

// setHeader writes a header where it counts. A location without headers of its own gets those that
// it has inherited so far, too.
func (n *nginx) setHeader(p *place, lines ...string) edit {
	list := effectiveList(p.route.section, "proxy_set_header")
	if len(list) > 0 && list[0].Parent != p.route.section {
		for _, d := range list {
			lines = append(lines, "proxy_set_header "+quotedArgs(d)+";")
		}
	}
	return within(p, lines...)
}

func (n *nginx) checkHeaders(p *place) (found []Finding) {
	if p.route.protocol != "http" {
		return nil
	}
	for _, h := range []struct {
		name, value, code string
		forged            string // lie that clients can tell without it; "": none
		right             []string
	}{
		{"Host", "$http_host", "MGW-DOC-013", "", []string{"$host", "$host:$server_port", "$modgw_host"}},
		{"X-Forwarded-For", "$remote_addr", "MGW-DOC-007", "any address of the client", []string{"$proxy_add_x_forwarded_for"}},
		{"X-Forwarded-Proto", "$scheme", "MGW-DOC-006", "that it used TLS", []string{"https"}},
		{"X-Forwarded-Prefix", `""`, "MGW-DOC-008", "that the app is mounted elsewhere", nil},
		{"X-Script-Name", `""`, "MGW-DOC-008", "that the app is mounted elsewhere", nil},
	} {
		d := n.header(p, h.name)
		line := fmt.Sprintf("proxy_set_header %s %s;", h.name, h.value)
		code, args := h.code, []any(nil)
		if code == "MGW-DOC-008" || code == "MGW-DOC-006" && !p.site.tls && d == nil || d != nil && strings.HasPrefix(d.Arg(1), "$http_x_forwarded") {
			code, args = "MGW-DOC-008", []any{h.forged}
		}
		switch {
		case d == nil:
			found = append(found, p.finding(code, args...).at(p.route.at, "proxy_set_header "+h.name).by(line, n.setHeader(p, line)))
		case d.Arg(1) == strings.Trim(h.value, `"`) || slices.Contains(h.right, d.Arg(1)) || strings.HasPrefix(d.Arg(1), "$modgw_"):
			if h.name == "X-Forwarded-Proto" && d.Arg(1) == "https" && !p.site.tls {
				found = append(found, p.finding("MGW-DOC-006").at(d, d.Name+" "+h.name).by(line, replace(d, line)))
			}
		case h.name == "X-Forwarded-Prefix" || h.name == "X-Script-Name":
		case h.name == "Host" && !strings.HasPrefix(d.Arg(1), "$proxy") && !strings.HasPrefix(d.Arg(1), "localhost"):
		case h.name == "X-Forwarded-Proto" && !strings.HasPrefix(d.Arg(1), "$http_x_forwarded") && d.Arg(1) != "http":
		case h.name == "X-Forwarded-Proto" && d.Arg(1) == "http" && !p.site.tls:
		default:
			found = append(found, p.finding(code, args...).at(d, d.Name+" "+h.name).by(line, replace(d, line)))
		}
	}
	d := n.doctor
	if p.route.target.Network() != "unix" && !webserver.Believes(p.route.target, d.TrustedProxies) {
		f := p.finding("MGW-DOC-007")
		f.File, f.Directive, f.Fix = d.HostFile, "trusted_proxies", `trusted_proxies = ["127.0.0.1"]`
		found = append(found, f)
	}
	return found
}

func (n *nginx) checkPath(p *place) []Finding {
	if p.route.protocol != "http" {
		return nil
	}
	to := p.route.at.Arg(0)
	_, rest, _ := strings.Cut(to, "://")
	socket, unix := strings.CutPrefix(rest, "unix:")
	uri := ""
	if unix {
		_, uri, _ = strings.Cut(socket, ":")
	} else if i := strings.IndexByte(rest, '/'); i >= 0 {
		uri = rest[i:]
	}
	if uri == "" {
		return nil
	}
	// With a path nginx decodes the request's path and writes it again.
	right := strings.TrimSuffix(to, uri)
	if unix {
		right = strings.TrimSuffix(right, ":")
	}
	line := "proxy_pass " + right + ";"
	var f Finding
	if strings.Trim(uri, "/") == strings.Trim(p.route.path, "/") {
		f = p.finding("MGW-DOC-001")
	} else {
		f = p.finding("MGW-DOC-012", fmt.Sprintf("%s becomes %s", p.route.path, uri))
	}
	return []Finding{f.at(p.route.at, "proxy_pass").by(line, replace(p.route.at, line))}
}

func (n *nginx) checkWebSocket(p *place) []Finding {
	if !p.app.Upgrades() {
		return nil
	}
	upgrading := p.site.route(p.path(), func(r *route) bool { return r.upgrades })
	deeper := slices.ContainsFunc(p.site.routes, func(r *route) bool {
		return r.path != p.path() && strings.HasPrefix(r.path, strings.TrimSuffix(p.path(), "/")+"/") && r.protocol == "http" && n.header(&place{route: r}, "Upgrade") != nil
	})
	if upgrading != nil || deeper {
		return nil
	}
	f := p.finding("MGW-DOC-005").at(p.route.at, "proxy_set_header Upgrade")
	if p.route.protocol != "http" {
		return []Finding{f}
	}
	version := effective(p.route.section, "proxy_http_version")
	var lines []string
	var edits []edit
	if n.header(p, "Upgrade") == nil {
		lines = append(lines, "proxy_set_header Upgrade $http_upgrade;")
		if n.header(p, "Connection") == nil {
			lines = append(lines, `proxy_set_header Connection "upgrade";`)
		}
	} else if c := n.header(p, "Connection"); c == nil {
		lines = append(lines, `proxy_set_header Connection "upgrade";`)
	} else if c.Arg(1) == "" || strings.EqualFold(c.Arg(1), "close") {
		edits = append(edits, replace(c, `proxy_set_header Connection "upgrade";`))
	}
	if version == nil || version.Arg(0) != "1.1" {
		f.Directive = "proxy_http_version"
		if version != nil {
			edits = append(edits, replace(version, "proxy_http_version 1.1;"))
			f = f.at(version, version.Name)
		} else {
			lines = append([]string{"proxy_http_version 1.1;"}, lines...)
		}
	}
	if len(lines)+len(edits) == 0 {
		return nil
	}
	fix := strings.Join(lines, " ")
	if len(lines) > 0 {
		if strings.Contains(fix, "set_header") {
			edits = append(edits, n.setHeader(p, lines...))
		} else {
			edits = append(edits, within(p, lines...))
		}
	} else {
		fix = strings.TrimSpace(strings.Join(edits[0].text, " "))
	}
	return []Finding{f.by(fix, edits...)}
}

func (n *nginx) checkBuffering(p *place) (found []Finding) {
	for _, d := range effectiveList(p.route.section, p.module()+"_ignore_headers") {
		if i := slices.IndexFunc(d.Args, func(a string) bool { return strings.EqualFold(a, "X-Accel-Buffering") }); i >= 0 {
			args := slices.Delete(slices.Clone(d.Args), i, i+1)
			f := p.finding("MGW-DOC-003").at(d, d.Name)
			if len(args) == 0 {
				found = append(found, f.by("remove this line", remove(d)))
			} else {
				line := d.Name + " " + strings.Join(args, " ") + ";"
				found = append(found, f.by(line, replace(d, line)))
			}
		}
	}
	if d := effective(p.route.section, p.module()+"_buffer_size"); d != nil {
		if n := bytesOf(d.Arg(0)); n >= 0 && n < 4096 {
			line := d.Name + " 32k;"
			buffers := p.module() + "_buffers 4 32k;"
			edits := []edit{replace(d, line)}
			if e := effective(p.route.section, p.module()+"_buffers"); e == nil {
				edits = append(edits, within(p, buffers))
			} else {
				edits = append(edits, replace(e, buffers))
			}
			if e := effective(p.route.section, p.module()+"_busy_buffers_size"); e != nil {
				edits = append(edits, remove(e)) // it must fit the others
			}
			found = append(found, p.finding("MGW-DOC-017").at(d, d.Name).by(line, edits...))
		}
	}
	if d := effective(p.site.at, "large_client_header_buffers"); d != nil {
		if n := bytesOf(d.Arg(1)); n >= 0 && n < 8192 {
			const line = "large_client_header_buffers 4 8k;"
			found = append(found, p.finding("MGW-DOC-010").at(d, d.Name).by(line, replace(d, line)))
		}
	}
	return found
}

func (n *nginx) checkErrors(p *place) []Finding {
	name := p.module() + "_intercept_errors"
	d := effective(p.route.section, name)
	if d == nil || d.Arg(0) != "on" || len(effectiveList(p.route.section, "error_page")) == 0 {
		return nil
	}
	line := name + " off;"
	return []Finding{p.finding("MGW-DOC-016").at(d, d.Name).by(line, replace(d, line))}
}

func (n *nginx) checkRetries(p *place) []Finding {
	d := effective(p.route.section, p.module()+"_next_upstream")
	if d == nil || !slices.Contains(d.Args, "non_idempotent") {
		return nil
	}
	line := d.Name + " " + strings.Join(slices.DeleteFunc(slices.Clone(d.Args), func(a string) bool { return a == "non_idempotent" }), " ") + ";"
	return []Finding{p.finding("MGW-DOC-021").at(d, d.Name).by(line, replace(d, line))}
}

func (n *nginx) checkAuthorization(p *place) (found []Finding) {
	if d := n.header(p, "Authorization"); d != nil && d.Arg(1) == "" && p.route.protocol == "http" {
		found = append(found, p.finding("MGW-DOC-002").at(d, d.Name+" Authorization").by("remove this line", remove(d)))
	}
	for _, d := range effectiveList(p.route.section, p.module()+"_param") {
		if d.Arg(0) == "HTTP_AUTHORIZATION" && d.Arg(1) == "" {
			found = append(found, p.finding("MGW-DOC-002").at(d, d.Name+" HTTP_AUTHORIZATION").by("remove this line", remove(d)))
		}
		if d.Arg(0) == "MODGW_APP" && d.Arg(1) != string(p.app.Name) && len(p.route.path) <= len(p.path()) {
			line := fmt.Sprintf("%s MODGW_APP %q;", d.Name, p.app.Name)
			found = append(found, p.finding("MGW-DOC-032", d.Arg(1)).at(d, d.Name+" MODGW_APP").by(line, replace(d, line)))
		}
	}
	for name, code := range map[string]string{"_pass_request_headers": "MGW-DOC-002", "_pass_request_body": "MGW-DOC-019"} {
		if d := effective(p.route.section, p.module()+name); d != nil && d.Arg(0) == "off" {
			line := d.Name + " on;"
			found = append(found, p.finding(code).at(d, d.Name).by(line, replace(d, line)))
		}
	}
	return found
}

func (n *nginx) checkIdle(p *place) []Finding {
	if p.route.protocol != "http" {
		return nil
	}
	_, rest, _ := strings.Cut(p.route.at.Arg(0), "://")
	name, _, _ := strings.Cut(rest, "/")
	block := n.upstream(name)
	if block == nil || len(block.Find("keepalive")) == 0 {
		return nil
	}
	for _, d := range block.Find("keepalive_timeout") {
		if limit, ok := seconds(d.Arg(0)); ok && limit >= idleTimeout*time.Second {
			line := fmt.Sprintf("keepalive_timeout %ds;", idleTimeout/2)
			f := p.finding("MGW-DOC-027", limit, fmt.Sprintf("%d s", idleTimeout)).at(d, d.Name)
			return []Finding{f.by(line, replace(d, line))}
		}
	}
	return nil
}
