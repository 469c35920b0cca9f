package doctor

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

// checkOrder finds routes for the mount of an app that come after the route that gets its requests.
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
