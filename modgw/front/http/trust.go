package http

import (
	"net"

	"github.com/modgw/modgw/modgw/front/forwarded"
)

// trust decides which peers are proxies that may describe the client.
type trust struct {
	proxies forwarded.Proxies
	unix    bool
}

// peer has the facts about the other end of a connection that its requests need.
type peer struct {
	trusted bool
	addr    string // without port; "" for a Unix socket
	port    string
	remote  string // both
	conn    *conn
}

type peerKey struct{}

func (t trust) peerOf(c *conn) *peer {
	p := &peer{trusted: t.unix, remote: c.client.String(), conn: c}
	if host, port, err := net.SplitHostPort(p.remote); err == nil {
		p.trusted, p.addr, p.port = t.proxies.Contain(host), host, port
	}
	return p
}
