package doctor

import (
	"slices"
	"strings"
)

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
