package webserver

import (
	"net"
	"net/netip"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// Reach returns the address at which a web server on this machine reaches a listener of a kind:
// that of the first Unix socket, else the first over TCP; "" when there is no such listener.
func Reach(listeners []modgw.Listener, kind string) modgw.Address {
	var chosen modgw.Address
	for _, l := range listeners {
		if l.Kind == kind && (chosen == "" || l.Address.Network() == "unix" && chosen.Network() != "unix") {
			chosen = l.Address
		}
	}
	return chosen
}

// Believes reports whether an HTTP listener at a believes a web server on this machine about
// clients. On a Unix socket it believes every peer, over loopback the trusted proxies.
func Believes(a modgw.Address, proxies []netip.Prefix) bool {
	if a.Network() == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(a.Dialable().Target())
	if err != nil {
		return false
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}
