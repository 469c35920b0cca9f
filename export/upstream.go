package export

import (
	"regexp"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// upstream is where a web server reaches the host.
type upstream struct {
	kind string        // of main: "fastcgi", "http", "uwsgi" or "scgi"
	main modgw.Address // where requests go
	web  modgw.Address // an HTTP listener, which can carry WebSockets; "" without one
}

// kinds are those of listeners, the one that tells most first.
var kinds = []string{"fastcgi", "http", "uwsgi", "scgi"}

func upstreamOf(server string, listeners []modgw.Listener) (upstream, error) {
	var up upstream
	for _, l := range listeners {
		if l.Address.Network() == "unix" && !plainPath.MatchString(l.Address.Target()) {
			return up, unusable(server, "path of a socket", l.Address.Target())
		}
	}
	for _, kind := range kinds {
		if a := modgw.Reach(listeners, kind); a != "" {
			up.kind, up.main = kind, a
			break
		}
	}
	if up.main == "" {
		return up, noListener(server)
	}
	// Who connects over TCP is nobody whose word about clients counts, unless the administrator says so.
	if a := modgw.Reach(listeners, "http"); up.kind == "http" || a.Network() == "unix" {
		up.web = a
	}
	return up, nil
}

// plainPath is a path without any character that a server, in whatever directive, might take for something else.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9/_.@+-]*$`)

// splits reports whether the WebSockets of an app go another way than its other requests.
func (u upstream) splits(d modgw.Descriptor) bool {
	return u.web != "" && u.kind != "http" && d.Upgrades()
}

// speaksHTTP reports whether any request for apps goes over HTTP.
func (u upstream) speaksHTTP(apps []modgw.Descriptor) bool {
	return u.kind == "http" || slices.ContainsFunc(apps, u.splits)
}
