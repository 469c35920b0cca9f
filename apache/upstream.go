package apache

import (
	"fmt"
	"hash/fnv"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// upstream is where Apache reaches the host.
type upstream struct {
	fcgi modgw.Address
	web  modgw.Address // an HTTP listener on a Unix socket; "" without one
}

func upstreamOf(listeners []modgw.Listener) (upstream, error) {
	var up upstream
	for _, l := range listeners {
		unix := l.Address.Network() == "unix"
		if unix && !plainPath.MatchString(l.Address.Target()) {
			return up, unusable("path of a socket", l.Address.Target())
		}
		switch {
		case l.Kind == "fastcgi" && (up.fcgi == "" || unix && up.fcgi.Network() != "unix"):
			up.fcgi = l.Address
		case l.Kind == "http" && unix && up.web == "":
			up.web = l.Address
		}
	}
	if up.fcgi == "" {
		return up, noListener()
	}
	return up, nil
}

// plainPath is a path without any character that Apache, in whatever directive, might take for something else.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9/_.@:+-]*$`)

// fastcgi is the URL of an app's worker in Apache. Apache tells workers apart by what follows the "|", and keeps timeouts
// and connections by worker, so each app has a name of its own.
func (u upstream) fastcgi(d modgw.Descriptor) string {
	if u.fcgi.Network() == "unix" {
		return fmt.Sprintf("unix:%s|fcgi://%s/", u.fcgi.Target(), workerName(d.Name))
	}
	return fmt.Sprintf("fcgi://%s/%s/", dialable(u.fcgi), workerName(d.Name))
}

// http is the URL of an app's worker for WebSockets, without a slash at its end.
func (u upstream) http(d modgw.Descriptor) string {
	return fmt.Sprintf("unix:%s|http://%s", u.web.Target(), workerName(d.Name))
}

// upgrades reports whether WebSockets can reach an app.
func (u upstream) upgrades(d modgw.Descriptor) bool {
	return u.web != "" && slices.Contains([]modgw.Kind{modgw.KindASGI, modgw.KindHTTP, modgw.KindGo}, d.Kind)
}

var notHostName = regexp.MustCompile(`[^a-z0-9.-]`)

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

// dialable is an address as a client must name it: every interface is reached through loopback.
func dialable(a modgw.Address) string {
	host, port, err := net.SplitHostPort(a.Target())
	if err != nil {
		return a.Target()
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
