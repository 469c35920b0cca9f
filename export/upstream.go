package export

import (
	"net/netip"
	"slices"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// upstream is where a web server reaches the host.
type upstream struct {
	kind string        // protocol of main; one of modgw.Protocols
	main modgw.Address // requests go there
	web  modgw.Address // an HTTP listener, which can carry WebSockets; "": none

	distrusted modgw.Address // HTTP listener that does not trust the web server; "": none
}

// kinds lists the kinds of listeners. Those that pass on more about a request come first.
var kinds = []string{"fastcgi", "http", "uwsgi", "scgi"}

// upstreamOf chooses from the host's listeners. proxies are the trusted ones: an HTTP listener over
// TCP accepts headers about clients only from them.
func upstreamOf(server string, listeners []modgw.Listener, proxies []netip.Prefix) (upstream, error) {
	var up upstream
	for _, l := range listeners {
		if l.Address.Network() == "unix" && !plainPath.MatchString(l.Address.Target()) {
			return up, unusable(server, "path of a socket", l.Address.Target())
		}
	}
	for _, kind := range kinds {
		if a := webserver.Reach(listeners, kind); a != "" {
			up.kind, up.main = kind, a
			break
		}
	}
	if up.main == "" {
		return up, noListener(server)
	}
	switch a := webserver.Reach(listeners, "http"); {
	case a == "":
	case up.kind == "http" || webserver.Believes(a, proxies):
		up.web = a
	default:
		up.distrusted = a
	}
	return up, nil
}

// plainPath matches a path without characters that have a meaning in any directive of either
// server.
var plainPath = lazyregexp.New(`^/[A-Za-z0-9/_.@+-]*$`)

// splits reports whether the WebSockets of an app go another way than its other requests.
func (u upstream) splits(d modgw.Descriptor) bool {
	return u.web != "" && u.kind != "http" && d.Upgrades()
}

// speaksHTTP reports whether any request for apps goes over HTTP.
func (u upstream) speaksHTTP(apps []modgw.Descriptor) bool {
	return u.kind == "http" || slices.ContainsFunc(apps, u.splits)
}
