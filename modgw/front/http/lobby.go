package http

import (
	"net"
	"sync"
)

// lobby is where connections wait, each for a moment, until net/http takes them: the listener that net/http knows.
type lobby struct {
	addr   net.Addr
	conns  chan *conn
	closed chan struct{}
	once   sync.Once
}

func newLobby() *lobby {
	return &lobby{conns: make(chan *conn), closed: make(chan struct{})}
}

// enter returns when net/http has taken c, or will not take anything any more.
func (l *lobby) enter(c *conn) {
	select {
	case l.conns <- c:
	case <-l.closed:
		c.Close()
	}
}

// Accept waits for the next connection.
func (l *lobby) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept fail.
func (l *lobby) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address of the listener that the connections come from.
func (l *lobby) Addr() net.Addr { return l.addr }
