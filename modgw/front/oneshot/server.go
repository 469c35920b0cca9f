package oneshot

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/front/listen"
)

// Server is the front for one protocol.
type Server struct {
	protocol Protocol
	config   Config

	mu    sync.Mutex
	conns map[*conn]struct{}
	group sync.WaitGroup // of the goroutines that serve conns
}

// New makes a server. It starts nothing.
func New(p Protocol, c Config) *Server {
	return &Server{protocol: p, config: c.withDefaults(), conns: make(map[*conn]struct{})}
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln, lets requests in
// flight finish within the drain timeout, and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	// What ends a request is its client or the drain, not ctx.
	base := context.WithoutCancel(ctx)
	err := listen.Accept(ctx, ln, s.config.Peers, s.config.Log, func(rwc net.Conn) { s.start(base, rwc) })
	s.drain()
	return err
}

func (s *Server) start(base context.Context, rwc net.Conn) {
	c := newConn(s, base, rwc)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.group.Go(func() {
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

// drain waits until all connections have ended, and ends them by force when it has waited long enough.
func (s *Server) drain() {
	s.eachConn((*conn).drain)
	ended := make(chan struct{})
	go func() {
		s.group.Wait()
		close(ended)
	}()
	limit := time.NewTimer(s.config.DrainTimeout)
	defer limit.Stop()
	select {
	case <-ended:
		return
	case <-limit.C:
		s.config.Log.Warn("requests cut off", "after", s.config.DrainTimeout)
		s.eachConn(func(c *conn) { c.fail(errDrained) })
		<-ended
	}
}

func (s *Server) eachConn(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}
