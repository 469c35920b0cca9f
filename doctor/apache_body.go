package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

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

// bodyLimit describes the largest request body of an app.
func bodyLimit(app modgw.Descriptor) string {
	if app.Limits.Body <= 0 {
		return "any"
	}
	return size(app.Limits.Body)
}
