package export

import (
	"fmt"
	"net/netip"
	"strings"
)

// Options are settings of the servers in a configuration.
type Options struct {
	Address string // IP address to listen on; "": all
	Port    int    // 0: 80, with TLS 443
	TLS     *TLS   // nil: plain HTTP

	HTTPPort      int  // port for servers without TLS, in addition to those with TLS; 0: none
	RedirectHTTPS bool // requests to HTTPPort are only redirected to Port

	TrustedProxies []netip.Prefix // headers of these about clients are passed on over HTTP
}

// plain are the options of the servers on HTTPPort.
func (o Options) plain() Options {
	o.Port, o.HTTPPort, o.TLS = o.HTTPPort, 0, nil
	return o
}

// TLS is a certificate with its key, as PEM files.
type TLS struct {
	Certificate string // path of the certificate
	Key         string // path of its private key
}

// port is the one that the servers listen on.
func (o Options) port() int {
	switch {
	case o.Port != 0:
		return o.Port
	case o.TLS != nil:
		return 443
	}
	return 80
}

// listens is the address with the port, which for IPv6 has brackets.
func (o Options) listens() string {
	address := o.Address
	if strings.Contains(address, ":") && !strings.HasPrefix(address, "[") {
		address = "[" + address + "]"
	}
	return fmt.Sprintf("%s:%d", address, o.port())
}
