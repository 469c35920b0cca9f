package oneshot

import (
	"context"
	"net"

	"github.com/modgw/modgw/modgw/front/serving"
)

// Server is the front for one protocol.
type Server struct {
	protocol Protocol
	config   Config
	conns    serving.Conns[*conn]
}

// New makes a server. It starts nothing.
func New(p Protocol, c Config) *Server {
	s := &Server{protocol: p, config: c.withDefaults()}
	s.conns = serving.Conns[*conn]{
		Config: s.config.Config,
		Open:   func(base context.Context, rwc net.Conn) *conn { return newConn(s, base, rwc) },
		Serve:  (*conn).serve,
		Drain:  (*conn).drain,
		Cut:    func(c *conn) { c.fail(errDrained) },
	}
	return s
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln, lets requests in
// flight finish within the drain timeout, and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.conns.Run(ctx, ln) }
