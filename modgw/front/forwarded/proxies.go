package forwarded

import (
	"net/netip"
	"slices"
)

// Proxies are the networks of trusted proxies, whose statements about the client are believed. nil
// means that no proxy is trusted.
type Proxies []netip.Prefix

// Contain reports whether an address, without a port, is a trusted proxy's.
func (p Proxies) Contain(host string) bool {
	if len(p) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(addr) })
}
