package apache

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// upstream is where Apache reaches the host.
type upstream struct {
	fcgi modgw.Address // a FastCGI listener; "": everything goes over HTTP
	web  modgw.Address // HTTP listener; with FastCGI only one that trusts Apache; "": none

	distrusted modgw.Address // HTTP listener that does not trust Apache; "": none
	proxies    []netip.Prefix
}

// upstreamOf chooses from the host's listeners. proxies are the trusted ones: an HTTP listener over
// TCP accepts headers about clients only from them.
func upstreamOf(listeners []modgw.Listener, proxies []netip.Prefix) (upstream, error) {
	for _, l := range listeners {
		if l.Address.Network() == "unix" && !plainPath.MatchString(l.Address.Target()) {
			return upstream{}, unusable("path of a socket", l.Address.Target())
		}
	}
	up := upstream{fcgi: webserver.Reach(listeners, "fastcgi"), web: webserver.Reach(listeners, "http"), proxies: proxies}
	switch {
	case up.fcgi == "" && up.web == "":
		return up, noListener()
	case up.fcgi != "" && up.web != "" && !webserver.Believes(up.web, proxies):
		up.web, up.distrusted = "", up.web
	}
	return up, nil
}

// plainPath matches a path without characters that have a meaning in any of Apache's directives.
var plainPath = lazyregexp.New(`^/[A-Za-z0-9/_.@:+-]*$`)

// fastcgi returns the URL of an app's worker in Apache. Apache distinguishes workers by the part
// after the "|", and keeps timeouts and connections by worker, so each app has its own name there.
func (u upstream) fastcgi(d modgw.Descriptor) string {
	if u.fcgi.Network() == "unix" {
		return fmt.Sprintf("unix:%s|fcgi://%s/", u.fcgi.Target(), workerName(d.Name))
	}
	return fmt.Sprintf("fcgi://%s/%s/", u.fcgi.Dialable(), workerName(d.Name))
}

// http is the URL of an app's worker that speaks HTTP, without a slash at its end.
func (u upstream) http(d modgw.Descriptor) string {
	if u.web.Network() == "unix" {
		return fmt.Sprintf("unix:%s|http://%s", u.web.Target(), workerName(d.Name))
	}
	return "http://" + string(u.web.Dialable())
}

// upgrades reports whether WebSockets can reach an app.
func (u upstream) upgrades(d modgw.Descriptor) bool { return u.web != "" && d.Upgrades() }

// speaksHTTP reports whether Apache sends any request for an app over HTTP.
func (u upstream) speaksHTTP(d modgw.Descriptor) bool { return u.fcgi == "" || u.upgrades(d) }

// rewrites reports whether requests for an app must be passed on by a RewriteRule. ProxyPass cannot
// read the URL of a Unix socket whose path has a space or a letter beyond ASCII.
func (u upstream) rewrites(d modgw.Descriptor) bool {
	return u.fcgi == "" && u.web.Network() == "unix" && !plainMount.MatchString(string(d.Mount))
}

var plainMount = lazyregexp.New(`^/[A-Za-z0-9/_.~-]*$`)

var notHostName = lazyregexp.New(`[^a-z0-9.-]`)

// workerName is a host name for an app: Apache reads it in lower case.
func workerName(app modgw.AppName) string {
	name := notHostName.ReplaceAllString(strings.ToLower(string(app)), "-")
	if name != string(app) {
		h := fnv.New32a()
		h.Write([]byte(app))
		name = fmt.Sprintf("%s-%08x", name, h.Sum32())
	}
	return name + ".modgw"
}
