package addressfilter

import "net/netip"

// Rule grants the addresses of a network.
type Rule struct {
	To   netip.Prefix // addresses; the zero value means all addresses of both families
	Port uint16       // port of TCP and UDP; 0: all
}

// nameServers is the port that programs need to look up names, on any name server. Its addresses
// are not restricted: a process that may ask one name server can have it relay arbitrary queries,
// so a list of servers would add no protection.
const nameServers = 53

// Attempt is a denied attempt of a process.
type Attempt struct {
	To       netip.AddrPort // destination
	Datagram bool           // it uses UDP; otherwise TCP
}

// inSixth returns the rule's network as an IPv6 address with its prefix length, because IPv6
// sockets can reach IPv4 addresses, too. all is true if the network contains every address.
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
