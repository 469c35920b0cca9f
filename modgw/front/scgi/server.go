package scgi

import (
	"context"
	"net"

	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/listen"
)

// Server is the front for one of the protocols.
type Server struct {
	protocol protocol
	config   front.Config
	conns    listen.Conns[*conn]
}

// New returns a server for SCGI. It starts nothing.
func New(c front.Config) *Server {
	return newServer(protocol{name: "scgi", statusLine: "Status:", read: readNetstring}, c)
}

// NewUWSGI returns a server for uwsgi. It starts nothing.
func NewUWSGI(c front.Config) *Server {
	return newServer(protocol{name: "uwsgi", statusLine: "HTTP/1.1", read: readPacket}, c)
}

func newServer(p protocol, c front.Config) *Server {
	s := &Server{protocol: p, config: c.WithDefaults()}
	s.conns = listen.Conns[*conn]{
		Door:         s.config.Door(),
		DrainTimeout: s.config.DrainTimeout,
		Open:         func(base context.Context, rwc net.Conn) *conn { return newConn(s, base, rwc) },
		Serve:        (*conn).serve,
		Drain:        (*conn).drain,
		Cut:          func(c *conn) { c.fail(errDrained) },
	}
	return s
}

// SetHandover lets connections take as long as they like, instead of the drain timeout, when the
// ctx of Serve is done: another process accepts the next ones.
func (s *Server) SetHandover(h listen.Handover) { s.conns.SetHandover(h) }

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln,
// lets requests in flight finish within the drain timeout, and returns nil when everything it
// started has ended. It may be called once. An error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.conns.Run(ctx, ln) }
