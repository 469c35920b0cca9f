package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

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
