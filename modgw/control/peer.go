package control

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/modgw/modgw/modgw/listen"
)

// maxConnections is the maximum number of simultaneous connections of a user who is not an
// administrator: the host's file descriptors are meant for clients of the apps.
const maxConnections = 32

// caller is the sender of a request.
type caller struct {
	uid   uint32
	pid   int32
	admin bool // may see and do everything
}

type callerKey struct{}

// callerOf returns the sender of the request with the context.
func callerOf(ctx context.Context) caller { return ctx.Value(callerKey{}).(caller) }

// withCaller stores the user of a connection in its context.
func withCaller(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, callerKey{}, conn.(*peerConn).caller)
}

// peerListener accepts connections of any user, and knows the user of each.
type peerListener struct {
	net.Listener
	isAdmin func(uid uint32) bool
	log     *slog.Logger

	mu   sync.Mutex
	open map[uint32]int // connections by user
}

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn, err := l.identify(c)
		if err == nil {
			return conn, nil
		}
		l.log.Warn("control connection refused", "error", err)
		c.Close()
	}
}

// identify determines the user of a connection.
func (l *peerListener) identify(c net.Conn) (net.Conn, error) {
	unixConn, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errNotUnix
	}
	peer, err := listen.CredentialsOf(unixConn)
	if err != nil {
		return nil, err
	}
	who := caller{uid: peer.Uid, pid: peer.Pid, admin: l.isAdmin(peer.Uid)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !who.admin && l.open[who.uid] >= maxConnections {
		return nil, errTooMany
	}
	l.open[who.uid]++
	return &peerConn{Conn: c, caller: who, listener: l}, nil
}

// peerConn is a connection whose user is known.
type peerConn struct {
	net.Conn
	caller   caller
	listener *peerListener
	closing  sync.Once
}

// Close closes the connection, so that its user may open another.
func (c *peerConn) Close() error {
	c.closing.Do(func() {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		if c.listener.open[c.caller.uid]--; c.listener.open[c.caller.uid] == 0 {
			delete(c.listener.open, c.caller.uid)
		}
	})
	return c.Conn.Close()
}
