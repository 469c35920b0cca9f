package pyapp

import (
	"net"
	"strings"
)

// Listener is the outcome of an address at which an old server listened. An app has none: requests
// come through the listeners of the host.
func Listener(protocol, address string) Outcome {
	address = strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "tcp://")
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "@") || strings.HasPrefix(address, "fd:") {
		return NotNeeded("the web server in front connects to a listener of the host in its place")
	}
	host, _, err := net.SplitHostPort(WithHost(address))
	if err == nil && (host == "localhost" || net.ParseIP(host) != nil && net.ParseIP(host).IsLoopback()) || protocol != "http" {
		return NotNeeded("the web server in front connects to a listener of the host in its place")
	}
	return ByHand("clients may connect to this address themselves: then add to the host's own file: listen %q { address = %q }", protocol, WithHost(address))
}

// WithHost is an address with a host: ":8000" and "8000" are 0.0.0.0:8000.
func WithHost(address string) string {
	address = strings.Replace(address, "*:", "0.0.0.0:", 1)
	switch {
	case strings.HasPrefix(address, ":"):
		return "0.0.0.0" + address
	case !strings.Contains(address, ":"):
		if strings.Trim(address, "0123456789") == "" {
			return "0.0.0.0:" + address
		}
		return address + ":8000"
	}
	return address
}
