package onloop

import (
	"net/http"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/rawsocket"
)

// local has the state that the connections of a front on one loop share. It belongs to that loop.
type local struct {
	loop        *eventloop.Loop
	busy, stall *eventloop.Limit
	idle, first *eventloop.Limit // may be nil
	out         []byte           // memory for the response that is being written
	message     rawsocket.Message
	headers     []http.Header // empty ones, for responses
}

func newLocal(loop *eventloop.Loop, c Config) *local {
	l := &local{loop: loop, busy: loop.NewLimit(MaxTime), stall: loop.NewLimit(stallTime)}
	if c.IdleTimeout > 0 {
		l.idle = loop.NewLimit(c.IdleTimeout)
	}
	if c.FirstTimeout > 0 {
		l.first = loop.NewLimit(c.FirstTimeout)
	}
	return l
}

func (l *local) takeHeader() http.Header {
	if n := len(l.headers); n > 0 {
		h := l.headers[n-1]
		l.headers = l.headers[:n-1]
		return h
	}
	return make(http.Header, 8)
}

func (l *local) releaseHeader(h http.Header) {
	if h != nil {
		clear(h)
		l.headers = append(l.headers, h)
	}
}
