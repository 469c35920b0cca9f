package fcgi

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/front/onloop"
	"github.com/modgw/modgw/modgw/listen"
)

// Server is the FastCGI front.
type Server struct {
	config  Config
	buffers buffers
	serve   http.HandlerFunc // method of the configured handler
	conns   listen.Conns[connection]
	onLoop  *onloop.Server // nil: goroutines serve all

	builders sync.Pool // each *cgi.Builder in it is ready for another request
}

// connection is one of a web server, on a goroutine or on the loop.
type connection interface {
	Drain()    // ends it as soon as no request is in flight
	Cut(error) // ends it at once
}

// New returns a server. It starts nothing.
func New(config Config) *Server {
	s := &Server{config: config.withDefaults()}
	s.serve = s.config.Handler.ServeHTTP
	s.builders.New = func() any { return new(cgi.Builder) }
	if handler, ok := s.config.Handler.(modgw.LoopHandler); ok && len(s.config.Loops) > 0 {
		s.onLoop = onloop.New(onloop.Config{
			Loops: s.config.Loops, Handler: handler, Log: s.config.Log, Multiplexed: true,
		})
	}
	s.conns = listen.Conns[connection]{
		Door:         s.config.Door(),
		DrainTimeout: s.config.DrainTimeout,
		Open:         s.open,
		Begin:        s.begin,
		Serve:        func(c connection) { c.(*conn).serve() },
		Leave:        leave,
		Drain:        connection.Drain,
		Cut:          func(c connection) { c.Cut(errDrained) },
	}
	return s
}

// open wraps an accepted connection.
func (s *Server) open(base context.Context, rwc net.Conn) connection {
	return s.openAs(base, rwc, false)
}

// openAs is open for a connection on which there was a request, if used is set.
func (s *Server) openAs(base context.Context, rwc net.Conn, used bool) connection {
	trusted := s.config.TrustedPeer(rwc)
	if s.onLoop != nil {
		protocol := &loopConn{server: s, base: base, trusted: trusted, begun: used}
		if c, ok := s.onLoop.Accept(rwc, protocol); ok {
			return c
		}
	}
	c := newConn(s, base, rwc, trusted)
	if used {
		c.phase = open
	}
	return c
}

// SetHandover has connections passed to another process, instead of ended, when the ctx of Serve is
// done.
func (s *Server) SetHandover(h listen.Handover) { s.conns.SetHandover(h) }

// Adopt serves a connection that another process has passed, until Serve ends. used reports whether
// the connection has carried a request.
func (s *Server) Adopt(rwc net.Conn, used bool) {
	s.conns.Adopt(rwc, func() connection { return s.openAs(context.Background(), rwc, used) })
}

// leave passes a connection on the loop to another process.
func leave(c connection, h *listen.Handover) bool {
	onLoop, ok := c.(*onloop.Conn)
	if ok {
		onLoop.Leave(h)
	}
	return ok
}

// begin has the loop serve a connection that is on it.
func (s *Server) begin(c connection, ended func()) bool {
	onLoop, ok := c.(*onloop.Conn)
	if ok {
		onLoop.Start(ended)
	}
	return ok
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln,
// lets requests in flight finish within the drain timeout, and returns nil when everything it
// started has ended. It may be called once. An error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error { return s.conns.Run(ctx, ln) }
