package process

import (
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// claims are headers by which somebody in between says who the client is or what it asked for. The
// program gets only what the host says, in those that are most widely understood.
var claims = []string{
	"Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Client-Ip", "True-Client-Ip", "X-Remote-Addr",
	"X-Remote-User", "X-Script-Name", "X-Scheme", "X-Url-Scheme", "Front-End-Https", "X-Original-Host", "X-Original-Uri",
	"X-Original-Url", "X-Rewrite-Url",
}

// rewrite makes the request that the program gets.
func (e *exchange) rewrite(p *httputil.ProxyRequest) {
	out := p.Out
	out.URL = e.target()
	out.Host = p.In.Host
	for name := range out.Header {
		if strings.HasPrefix(name, "X-Forwarded") {
			delete(out.Header, name)
		}
	}
	for _, name := range claims {
		delete(out.Header, name)
	}
	say := func(name, value string) {
		if value != "" {
			out.Header[name] = []string{value}
		}
	}
	say("X-Forwarded-For", e.Info.RemoteAddr)
	say("X-Forwarded-Host", p.In.Host)
	say("X-Forwarded-Proto", e.Info.Scheme)
	say("X-Forwarded-Prefix", e.Info.ScriptName)
	say("Forwarded", forwarded(e.Info, p.In.Host))
	say("X-Remote-User", e.Info.RemoteUser)
	if out.Header.Get("X-Request-Id") == "" {
		say("X-Request-Id", e.Info.ID)
	}
}

// forwarded is what the host says of the client, as RFC 7239 writes it.
func forwarded(info *modgw.RequestInfo, host string) string {
	var parts []string
	if addr, err := netip.ParseAddr(info.RemoteAddr); err == nil {
		node := addr.String()
		if addr.Is6() {
			node = `"[` + node + `]"`
		}
		parts = append(parts, "for="+node)
	}
	if host != "" {
		parts = append(parts, "host="+quoted(host))
	}
	if info.Scheme != "" {
		parts = append(parts, "proto="+info.Scheme)
	}
	return strings.Join(parts, ";")
}

// quoted is a value of a parameter; a host that is no token, such as one with a port, needs quotes.
func quoted(value string) string {
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return strconv.Quote(value)
		}
	}
	return value
}

// target is what the program is asked for. The path is the one that was authorised; how the client
// had encoded it is kept where that says the same.
func (e *exchange) target() *url.URL {
	raw, query, asked := strings.Cut(e.Info.RawTarget, "?")
	u := &url.URL{Scheme: "http", Host: "app", Path: e.Info.Path, RawQuery: query, ForceQuery: asked}
	if decoded, err := url.PathUnescape(raw); err == nil && strings.HasPrefix(raw, "/") {
		u.Path, u.RawPath = decoded, raw
	}
	if !e.runner.strip || e.Info.ScriptName == "" {
		return u
	}
	rest, ok := strings.CutPrefix(u.RawPath, e.Info.ScriptName)
	if decoded, err := url.PathUnescape(rest); !ok || err != nil || decoded != e.Info.PathInfo {
		rest = ""
	}
	u.Path, u.RawPath = e.Info.PathInfo, rest
	if u.Path == "" {
		u.Path = "/"
	}
	return u
}

// upgrade tells whether the connection may be given to another protocol when the program agrees. A
// WebSocket cannot do without, which the error says; for anything else the program gets the request
// as if the client had not offered it.
func (e *exchange) upgrade() (may bool, _ error) {
	wanted := e.R.Header.Get("Upgrade")
	switch {
	case wanted == "":
		return true, nil
	case canHijack(e.w.ResponseWriter) && e.R.ProtoMajor == 1:
		return !strings.EqualFold(wanted, "h2c"), nil // requests in it would pass the host by
	case strings.EqualFold(wanted, "websocket"):
		return false, &relay.Failure{Status: http.StatusUpgradeRequired, Fault: workers.NoWebSocket(e.Info.Front, e.R.Proto)}
	}
	return false, nil
}

// canHijack reports whether a front can hand the connection over. That is for the innermost writer
// to say: those around it pass a call on, and have the method whatever comes of it.
func canHijack(w http.ResponseWriter) bool {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			_, ok = w.(http.Hijacker)
			return ok
		}
		w = wrapper.Unwrap()
	}
}
