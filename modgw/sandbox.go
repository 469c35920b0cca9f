package modgw

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Sandbox lists the accesses that an app's processes are allowed in addition to the general ones:
// they may read the system's programs and configuration, the app's root and its environment, use
// their own folder for temporary files, and serve. Everything else is denied.
type Sandbox struct {
	// Read are absolute files and folders that may be read, in addition to Root.
	Read []string

	// Write are absolute files and folders that may be changed. nil: Root.
	Write []string

	// Network are the endpoints that may be connected to. Empty: none.
	Network []Endpoint

	// Learn lets the processes do everything, and records the accesses that they need.
	Learn bool

	// Within are the folders to which Root, Read and Write must lead, wherever links point, and
	// WithinWrite those to which Write must. nil: they may lead anywhere. The loader sets them for
	// a tenant with a ceiling.
	Within, WithinWrite []string
}

// Writable returns the files and folders that the app may change.
func (s *Sandbox) Writable(root string) []string {
	if s.Write == nil {
		return []string{root}
	}
	return s.Write
}

// ConnectsAnywhere reports whether the app may use the network without limits.
func (s *Sandbox) ConnectsAnywhere() bool {
	return slices.Contains(s.Network, Anywhere)
}

// Covers reports whether an endpoint is one of Network, or part of one.
func (s *Sandbox) Covers(e Endpoint) bool {
	return slices.ContainsFunc(s.Network, func(most Endpoint) bool { return most.covers(e) })
}

// Endpoint is a port at an address, or at all addresses of a network, or anywhere. The zero value
// is [Anywhere].
type Endpoint struct {
	Host string // name, address, "ADDRESS/BITS", or "*" for all
	Port uint16 // 0 in Anywhere alone
}

// Anywhere is the whole network. As text it is "*".
var Anywhere Endpoint

// ParseEndpoint reads "HOST:PORT" or "*".
func ParseEndpoint(text string) (Endpoint, error) {
	if text == "*" {
		return Anywhere, nil
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return Endpoint{}, fmt.Errorf("%q is neither HOST:PORT nor \"*\"", text)
	}
	host, number := text[:colon], text[colon+1:]
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return Endpoint{}, fmt.Errorf("%q is no port", number)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if err := checkEndpointHost(host); err != nil {
		return Endpoint{}, err
	}
	return Endpoint{Host: host, Port: uint16(port)}, nil
}

func checkEndpointHost(host string) error {
	if strings.Contains(host, "/") {
		if _, err := netip.ParsePrefix(host); err != nil {
			return fmt.Errorf("%q is no network", host)
		}
		return nil
	}
	if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is no address", host)
		}
		return nil
	}
	if host == "" || strings.ContainsAny(host, " \t\n\"") || host != "*" && strings.Contains(host, "*") {
		return fmt.Errorf("%q is neither a host name nor an address", host)
	}
	return nil
}

// Prefix returns the addresses of the endpoint. It reports false when those are not known: for a
// name, and where Host is all.
func (e Endpoint) Prefix() (netip.Prefix, bool) { return prefixOf(e.Host) }

// covers reports whether other is the endpoint or part of it.
func (e Endpoint) covers(other Endpoint) bool {
	if e == Anywhere || e == other {
		return true
	}
	if e.Port != other.Port {
		return false
	}
	if e.Host == "*" {
		return true
	}
	most, ok := prefixOf(e.Host)
	part, isPart := prefixOf(other.Host)
	return ok && isPart && most.Overlaps(part) && most.Bits() <= part.Bits()
}

// prefixOf is the network that an address or network is. It reports false for a name.
func prefixOf(host string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(host); err == nil {
		return prefix.Masked(), true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

// String is the text from which [ParseEndpoint] makes the endpoint.
func (e Endpoint) String() string {
	switch {
	case e == Anywhere:
		return "*"
	case strings.Contains(e.Host, ":"):
		return fmt.Sprintf("[%s]:%d", e.Host, e.Port)
	}
	return fmt.Sprintf("%s:%d", e.Host, e.Port)
}
