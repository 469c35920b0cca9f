package modgw

import (
	"net"
	"net/netip"
	"slices"
)

// Reach is the address at which a web server on this machine reaches a listener of a kind: that of the first Unix socket, else
// the first over TCP; "" when there is no such listener.
func Reach(listeners []Listener, kind string) Address {
	var chosen Address
	for _, l := range listeners {
		if l.Kind == kind && (chosen == "" || l.Address.Network() == "unix" && chosen.Network() != "unix") {
			chosen = l.Address
		}
	}
	return chosen
}

// Dialable is the address as a client on this machine must name it: every interface is reached through loopback.
func (a Address) Dialable() Address {
	host, port, err := net.SplitHostPort(a.Target())
	if a.Network() == "unix" || err != nil {
		return a
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return Address(net.JoinHostPort(host, port))
}

// Believes reports whether an HTTP listener at the address believes what a web server on this machine says of clients:
// whoever may open a Unix socket, and over loopback who is one of the trusted proxies.
func (a Address) Believes(proxies []netip.Prefix) bool {
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
