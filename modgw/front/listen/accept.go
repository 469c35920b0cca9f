package listen

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"
)

// Bounds of the pause after a failed accept.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// lastCall is how long a listener that is told to end waits for another connection in its backlog.
const lastCall = 20 * time.Millisecond

// Accept calls serve for every connection from a peer that may connect, until ctx is done; then it accepts what waits in
// the backlog, closes ln and returns nil. It returns an error only when ln fails for good. serve must not block.
//
// Running out of file descriptors is not for good: accepting goes on when some are free again, and until then clients
// wait in the socket's backlog.
func Accept(ctx context.Context, ln net.Listener, peers Peers, log *slog.Logger, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { callLast(ln) })
	defer stop()
	defer ln.Close()
	pause := shortestPause
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause = shortestPause
			if err := peers.Check(conn); err != nil {
				log.Warn("connection refused", "error", err)
				conn.Close()
				continue
			}
			serve(conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			log.Warn("connection not accepted", "error", err, "again_in", pause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// callLast lets nobody else connect and makes accepting end soon.
func callLast(ln net.Listener) {
	if named, ok := ln.(interface{ removeName() }); ok {
		named.removeName()
	}
	timed, ok := ln.(interface{ SetDeadline(time.Time) error })
	if !ok || timed.SetDeadline(time.Now().Add(lastCall)) != nil {
		ln.Close()
	}
}
