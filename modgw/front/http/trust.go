package http

import (
	"context"
	"net"

	"github.com/modgw/modgw/modgw/front/forwarded"
)

// trust says which peers are proxies whose word about the client counts.
type trust struct {
	proxies forwarded.Proxies
	unix    bool
}

// peer is what a connection's requests know of its other end.
type peer struct {
	trusted bool
	addr    string // without port; "" for a Unix socket
	port    string
	conn    *conn
}

type peerKey struct{}

func (t trust) connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, t.peerOf(c))
}

func (t trust) peerOf(c net.Conn) *peer {
	p := &peer{trusted: t.unix}
	p.conn, _ = c.(*conn)
	if host, port, err := net.SplitHostPort(c.RemoteAddr().String()); err == nil {
		p.trusted, p.addr, p.port = t.proxies.Contain(host), host, port
	}
	return p
}
