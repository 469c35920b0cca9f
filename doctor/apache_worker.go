package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw/webserver"
)

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

// checkWorker finds routes that share a worker by mistake: Apache compares only the part after "|".
func (h *httpd) checkWorker(p *place) []Finding {
	name := workerName(workerURL(p.route.at))
	if name == "" {
		return nil
	}
	for _, s := range h.sites {
		for _, r := range s.routes {
			if r.at == nil || r.at == p.route.at {
				if r.at == p.route.at {
					return nil // routes after this one do not affect it
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

// idleTimeout is how long the host keeps an idle HTTP connection, in seconds.
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
