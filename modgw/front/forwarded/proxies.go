package forwarded

import (
	"net/netip"
	"slices"
)

// Proxies are the networks of trusted proxies: what they say of the client is believed. nil: none
// is does.
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
