package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

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

// setHeader writes a header at the place where it takes effect. A location without headers of its
// own also gets those that it inherited before.
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
		forged            string // a value that clients can forge otherwise; "": none
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
	return append(found, p.checkTrust()...)
}
