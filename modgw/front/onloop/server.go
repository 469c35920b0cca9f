package onloop

import (
	"log/slog"
	"net"
	"net/http"
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
	Loop    *eventloop.Loop   // must not be closed before the last connection has ended
	Handler modgw.LoopHandler // answers requests
	Log     *slog.Logger      // must not be nil

	// IdleTimeout bounds the time between two requests, FirstTimeout the time before the first one.
	// 0: no bound.
	IdleTimeout, FirstTimeout time.Duration

	// Multiplexed says that what comes while a request is served may concern that request: it moves
	// to a goroutine then.
	Multiplexed bool
}

// Server is what the connections of a front on one loop have in common.
type Server struct {
	Config

	// The rest belongs to the loop.
	busy, idle, first *eventloop.Limit // idle and first may be nil
	out               []byte           // memory for the response that is being written
	headers           []http.Header    // empty ones, for responses
}

// New makes a server. It starts nothing.
func New(c Config) *Server {
	s := &Server{Config: c, busy: c.Loop.NewLimit(MaxTime)}
	if c.IdleTimeout > 0 {
		s.idle = c.Loop.NewLimit(c.IdleTimeout)
	}
	if c.FirstTimeout > 0 {
		s.first = c.Loop.NewLimit(c.FirstTimeout)
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
	c.stay.Overdue = c.overdue
	return c, true
}

func (s *Server) takeHeader() http.Header {
	if n := len(s.headers); n > 0 {
		h := s.headers[n-1]
		s.headers = s.headers[:n-1]
		return h
	}
	return make(http.Header, 8)
}

func (s *Server) releaseHeader(h http.Header) {
	if h != nil {
		clear(h)
		s.headers = append(s.headers, h)
	}
}
