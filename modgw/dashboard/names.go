package dashboard

import (
	"net"
	"net/netip"
	"strings"
)

// isOwnName reports whether the Host of a request names the dashboard: this machine by its loopback
// names, at any port because a tunnel may end there, or the URL of the settings.
func (d *Dashboard) isOwnName(host string) bool {
	if u := d.config.URL; u != nil && strings.EqualFold(host, u.Host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}
