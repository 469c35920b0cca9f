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
	// MaxTime is how long a connection may be within a request on the loop. Then a goroutine takes
	// over, which has deadlines and watches the client.
	MaxTime = 200 * time.Millisecond

	// stayAway is how many requests a goroutine serves after one that the handler did not accept on
	// the loop: its app may never be served there, and moving a connection costs time. It serves
	// as many after several in a row that had to leave the loop.
	stayAway = 32
)

// Config is what a Server is made from.
type Config struct {
	Loops   []*eventloop.Loop // one at least, not closed before the last connection has ended
	Handler modgw.LoopHandler // answers requests
	Log     *slog.Logger      // must not be nil

	// IdleTimeout bounds the time between two requests, FirstTimeout the time before the first one.
	// 0: no bound.
	IdleTimeout, FirstTimeout time.Duration

	// Multiplexed says that what comes while a request is served may concern that request: it moves
	// to a goroutine then.
	Multiplexed bool
}

// Server is what the connections of a front have in common.
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

// Accept takes over a connection that was accepted. ok is false when it cannot be on a loop; it is
// left as it is then.
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

// localOf returns what belongs to a loop; nil: the server has nothing there.
func (s *Server) localOf(loop *eventloop.Loop) *local {
	for _, l := range s.locals {
		if l.loop == loop {
			return l
		}
	}
	return nil
}
