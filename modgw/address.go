package modgw

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Address is where something listens: "unix:/run/modgw/modgw.sock" or "127.0.0.1:8000".
type Address string

// ParseAddress checks s and returns it as an Address. The path of a Unix socket must be absolute
// and at most 107 bytes long, the kernel's limit (unix(7)). A port alone, as in ":8000", means
// every interface.
func ParseAddress(s string) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		switch {
		case !filepath.IsAbs(path):
			return "", fmt.Errorf("cannot use address %q: the path of a Unix socket must be absolute", s)
		case len(path) > 107:
			return "", fmt.Errorf("cannot use address %q: the path has %d bytes, and a Unix socket's may have 107", s, len(path))
		}
		return Address(s), nil
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("cannot use address %q: want unix:PATH or HOST:PORT", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("cannot use address %q: the port must be a number from 0 to 65535", s)
	}
	return Address(s), nil
}

// Network is the first argument of [net.Listen] for the address: "unix" or "tcp".
func (a Address) Network() string {
	if strings.HasPrefix(string(a), "unix:") {
		return "unix"
	}
	return "tcp"
}

// Target is the second argument of [net.Listen] for the address: the socket's path or host and
// port.
func (a Address) Target() string { return strings.TrimPrefix(string(a), "unix:") }

// IsLoopback reports whether only this machine can reach the address; a Unix socket is one.
func (a Address) IsLoopback() bool {
	if a.Network() == "unix" {
		return true
	}
	host, _, _ := net.SplitHostPort(a.Target())
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Dialable is the address as a client on this machine must name it: every interface is reached
// through loopback.
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
