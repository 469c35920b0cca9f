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

// claims are headers in which intermediaries describe the client or its request. The program gets
// the host's own values instead, in the most widely understood headers.
var claims = []string{
	"Forwarded", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Client-Ip", "True-Client-Ip", "X-Remote-Addr",
	"X-Remote-User", "X-Script-Name", "X-Scheme", "X-Url-Scheme", "Front-End-Https", "X-Original-Host", "X-Original-Uri",
	"X-Original-Url", "X-Rewrite-Url",
}

// rewrite makes the request that the program gets.
func (c *call) rewrite(p *httputil.ProxyRequest) {
	out := p.Out
	out.URL = c.target()
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
	say("X-Forwarded-For", c.Info.RemoteAddr)
	say("X-Forwarded-Host", p.In.Host)
	say("X-Forwarded-Proto", c.Info.Scheme)
	say("X-Forwarded-Prefix", c.Info.ScriptName)
	say("Forwarded", forwarded(c.Info, p.In.Host))
	say("X-Remote-User", c.Info.RemoteUser)
	if out.Header.Get("X-Request-Id") == "" {
		say("X-Request-Id", c.Info.ID)
	}
}

// forwarded returns the host's description of the client in the syntax of RFC 7239.
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

// target returns the URL for the program. Its path is the authorised one. The client's encoding is
// kept if it means the same path.
func (c *call) target() *url.URL {
	raw, query, asked := strings.Cut(c.Info.RawTarget, "?")
	u := &url.URL{Scheme: "http", Host: "app", Path: c.Info.Path, RawQuery: query, ForceQuery: asked}
	if decoded, err := url.PathUnescape(raw); err == nil && strings.HasPrefix(raw, "/") {
		u.Path, u.RawPath = decoded, raw
	}
	if !c.runner.strip || c.Info.ScriptName == "" {
		return u
	}
	rest, ok := strings.CutPrefix(u.RawPath, c.Info.ScriptName)
	if decoded, err := url.PathUnescape(rest); !ok || err != nil || decoded != c.Info.PathInfo {
		rest = ""
	}
	u.Path, u.RawPath = c.Info.PathInfo, rest
	if u.Path == "" {
		u.Path = "/"
	}
	return u
}

// upgrade reports whether the connection may change to another protocol if the program agrees. It
// is an error if a WebSocket request cannot; for anything else the program gets the request without
// the client's offer.
func (c *call) upgrade() (may bool, _ error) {
	wanted := c.R.Header.Get("Upgrade")
	switch {
	case wanted == "":
		return true, nil
	case canHijack(c.w.ResponseWriter) && c.R.ProtoMajor == 1:
		return !strings.EqualFold(wanted, "h2c"), nil // requests in it would pass the host by
	case strings.EqualFold(wanted, "websocket"):
		return false, &relay.Failure{Status: http.StatusUpgradeRequired, Fault: workers.NoWebSocket(c.Info.Front, c.R.Proto)}
	}
	return false, nil
}

// canHijack reports whether a front can hand over the connection. Only the innermost writer knows:
// the wrappers around it have the method in any case.
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
