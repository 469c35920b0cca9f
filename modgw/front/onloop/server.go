package onloop

import (
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
)

const (
	// MaxTime is how long a request may stay on the loop. After that a goroutine takes over, which
	// has deadlines and watches the client.
	MaxTime = 200 * time.Millisecond

	// stayAway is the number of requests that a goroutine serves after one that the handler did not
	// accept on the loop: its app may never be served there, and moving a connection takes time. It
	// also applies after several requests in a row that had to leave the loop.
	stayAway = 32
)

// Config is the configuration of a Server.
type Config struct {
	Loops   []*eventloop.Loop // one at least, not closed before the last connection has ended
	Handler modgw.LoopHandler // answers requests
	Log     *slog.Logger      // must not be nil

	// IdleTimeout bounds the time between two requests, FirstTimeout the time before the first one.
	// 0: no bound.
	IdleTimeout, FirstTimeout time.Duration

	// Multiplexed means that input during a request may concern that request: it then moves to a
	// goroutine.
	Multiplexed bool
}

// Server has the state that the connections of a front share.
type Server struct {
	Config
	locals []*local      // for each loop
	next   atomic.Uint32 // for the loop of the next connection
}

// New returns a server. It starts nothing.
func New(c Config) *Server {
	s := &Server{Config: c}
	for _, loop := range c.Loops {
		s.locals = append(s.locals, newLocal(loop, c))
	}
	return s
}

// Accept takes over an accepted connection. ok is false if it cannot be on a loop; it is unchanged
// then.
func (s *Server) Accept(rwc net.Conn, p Protocol) (c *Conn, ok bool) {
	peer := rwc.RemoteAddr()
	fd, ok := eventloop.Take(rwc)
	if !ok {
		return nil, false
	}
	c = &Conn{server: s, protocol: p, peer: peer, fd: fd}
	c.local.Store(s.locals[s.next.Add(1)%uint32(len(s.locals))])
	c.stay.Overdue = c.overdue
	return c, true
}

// localOf returns the state of a loop, or nil if the server has no connections there.
func (s *Server) localOf(loop *eventloop.Loop) *local {
	for _, l := range s.locals {
		if l.loop == loop {
			return l
		}
	}
	return nil
}
