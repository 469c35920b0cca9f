package dashboard

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/listen"
)

// mostConnections is the maximum number of simultaneous connections of browsers: the host's file
// descriptors are meant for clients of the apps.
const mostConnections = 256

// Serve answers the connections of l until ctx is done, and returns when every answer has ended.
func (d *Dashboard) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           d,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// Pages that follow the host end with it.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withPeer,
		ErrorLog:    slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	return listen.ServeHTTP(ctx, server, &boundedListener{Listener: l, open: limit{most: mostConnections}})
}

// boundedListener limits the number of connections, and closes further ones.
type boundedListener struct {
	net.Listener
	open limit
}

// Accept returns the next connection.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !l.open.enter() {
			c.Close()
			continue
		}
		return &countedConn{Conn: c, leave: sync.OnceFunc(l.open.leave)}, nil
	}
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close makes room for another connection.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
