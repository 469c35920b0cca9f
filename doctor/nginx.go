package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// checkServer implements traits.
func (n *nginx) checkServer() (found []Finding) {
	found = n.checkNames()
	for _, s := range n.sites {
		if s.isOurs() {
			found = append(found, n.checkTLS(s)...)
		}
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

// checks implements traits.
func (n *nginx) checks() []func(*place) []Finding {
	return []func(*place) []Finding{
		n.checkBody, n.checkTimeouts, n.checkVariables, n.checkHeaders, n.checkPath, n.checkWebSocket, n.checkBuffering, n.checkErrors,
		n.checkRetries, n.checkAuthorization, n.checkIdle,
	}
}

// directives implements traits.
func (n *nginx) directives(p *place) map[string]string {
	return map[string]string{
		"MGW-DOC-003": "proxy_buffering", "MGW-DOC-005": "proxy_set_header Upgrade", "MGW-DOC-006": "proxy_set_header X-Forwarded-Proto",
		"MGW-DOC-007": "proxy_set_header X-Forwarded-For", "MGW-DOC-008": "proxy_set_header", "MGW-DOC-009": "client_max_body_size",
		"MGW-DOC-010": "large_client_header_buffers", "MGW-DOC-013": "proxy_set_header Host", "MGW-DOC-016": "fastcgi_intercept_errors",
		"MGW-DOC-017": p.module() + "_buffer_size",
	}
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

// parseTime reads a time of nginx or HAProxy, which has the unit if it names none.
func parseTime(text, unit string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789") == "" {
		text += unit
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
			if limit, ok = parseTime(d.Arg(0), "s"); !ok {
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
		if limit, ok := parseTime(d.Arg(0), "s"); ok && limit >= idleTimeout*time.Second {
			line := fmt.Sprintf("keepalive_timeout %ds;", idleTimeout/2)
			f := p.finding("MGW-DOC-027", limit, fmt.Sprintf("%d s", idleTimeout)).at(d, d.Name)
			return []Finding{f.by(line, replace(d, line))}
		}
	}
	return nil
}
