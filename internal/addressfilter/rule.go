package addressfilter

import "net/netip"

// Rule grants the addresses of a network.
type Rule struct {
	To   netip.Prefix // addresses; all of both families for the zero value
	Port uint16       // port of TCP and UDP; 0: all
}

// nameServers grants what programs need to look up names, whichever name server they use. Who may
// ask one can have it pass on what it likes, so that nothing is won by listing them.
const nameServers = 53

// Attempt is something that a process tried and that was denied.
type Attempt struct {
	To       netip.AddrPort // address that it leads to
	Datagram bool           // it is one of UDP; otherwise of TCP
}

// inSixth is the network of a rule as an address of IPv6 with its length: sockets of that family
// reach those of IPv4 as well. all is true when the network has every address.
func (r Rule) inSixth() (addr [16]byte, bits int, all bool) {
	switch {
	case !r.To.IsValid():
		return addr, 0, true
	case r.To.Addr().Is4():
		const mapped = 96
		return r.To.Masked().Addr().As16(), mapped + r.To.Bits(), false
	}
	return r.To.Masked().Addr().As16(), r.To.Bits(), false
}
