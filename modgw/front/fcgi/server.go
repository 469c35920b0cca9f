package fcgi

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/listen"
)

// Server is the FastCGI front.
type Server struct {
	config  Config
	buffers buffers
	patrol  *patrol
	conns   listen.Conns[connection]
	onLoop  *onLoop // nil: all is served by goroutines
}

// connection is one of a web server, on a goroutine or on the loop.
type connection interface {
	drain()                      // ends it as soon as no request is in flight
	cut(error)                   // ends it at once
	look(now int64) (next int64) // does what is due and returns when something will be
}

// onLoop is what connections on the loop have in common. But for handler it is the loop's.
type onLoop struct {
	handler  modgw.LoopHandler
	limit    *eventloop.Limit
	out      []byte // a response that is being written
	builders []*builder
}

// builder is what a request is made with, and the header of its response. It is used again for another request, unless a
// goroutine has got this one.
type builder struct {
	cgi.Builder
	response http.Header
}

func (o *onLoop) takeBuilder() *builder {
	if n := len(o.builders); n > 0 {
		b := o.builders[n-1]
		o.builders = o.builders[:n-1]
		return b
	}
	return &builder{response: make(http.Header, 8)}
}

func (o *onLoop) giveBuilder(b *builder) {
	b.Reuse()
	clear(b.response)
	o.builders = append(o.builders, b)
}

// New makes a server. It starts nothing.
func New(config Config) *Server {
	s := &Server{config: config.withDefaults()}
	if handler, ok := s.config.Handler.(modgw.LoopHandler); ok && s.config.Loop != nil {
		s.onLoop = &onLoop{handler: handler, limit: s.config.Loop.NewLimit(mostOnLoop)}
	}
	s.conns = listen.Conns[connection]{
		Door:         s.config.Door(),
		DrainTimeout: s.config.DrainTimeout,
		Open:         s.open,
		Begin:        s.begin,
		Serve:        func(c connection) { c.(*conn).serve() },
		Drain:        connection.drain,
		Cut:          func(c connection) { c.cut(errDrained) },
	}
	s.patrol = newPatrol(s.conns.Each)
	return s
}

// open makes a connection of what was accepted.
func (s *Server) open(base context.Context, rwc net.Conn) connection {
	if c, ok := newLoopConn(s, base, rwc); ok {
		return c
	}
	return newConn(s, base, rwc)
}

// begin has the loop serve a connection, if it is one for it.
func (s *Server) begin(c connection, ended func()) bool {
	onLoop, ok := c.(*loopConn)
	if ok {
		onLoop.start(ended)
	}
	return ok
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
