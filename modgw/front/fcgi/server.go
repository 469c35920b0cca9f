package fcgi

import (
	"context"
	"net"
	"sync"

	"github.com/modgw/modgw/modgw/front/serving"
)

// Server is the FastCGI front.
type Server struct {
	config  Config
	buffers buffers
	patrol  *patrol
	conns   serving.Conns[*conn]
}

// New makes a server. It starts nothing.
func New(config Config) *Server {
	s := &Server{config: config.withDefaults()}
	s.conns = serving.Conns[*conn]{
		Config: s.config.Config,
		Open:   func(base context.Context, rwc net.Conn) *conn { return newConn(s, base, rwc) },
		Serve:  (*conn).serve,
		Drain:  (*conn).drain,
		Cut:    func(c *conn) { c.fail(errDrained) },
	}
	s.patrol = newPatrol(s.conns.Each)
	return s
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln, lets requests in
// flight finish within the drain timeout, and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	patrolling, stopPatrol := context.WithCancel(context.WithoutCancel(ctx))
	var patrol sync.WaitGroup
	patrol.Go(func() { s.patrol.run(patrolling) })
	defer patrol.Wait()
	defer stopPatrol()
	return s.conns.Run(ctx, ln)
}
