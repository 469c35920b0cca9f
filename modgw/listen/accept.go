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

// lastCall is how long a closing listener waits for another connection in its backlog.
const lastCall = 20 * time.Millisecond

// longestCall is the total time limit of that: clients that connect again and again must not keep
// the listener open.
const longestCall = 10 * lastCall

// Accept is [Door.Accept] of a door for any number of connections that may come.
func Accept(ctx context.Context, ln net.Listener, peers Peers, log *slog.Logger, serve func(net.Conn)) error {
	door := Door{Peers: peers, Log: log}
	return door.Accept(ctx, ln, func(conn net.Conn, _ func()) { serve(conn) })
}

// Door decides who may connect to a listener.
type Door struct {
	Peers Peers        // may connect
	Most  int          // connections at once; 0: any number
	Log   *slog.Logger // gets refusals and panics; must not be nil
}

// Accept calls serve for every connection from a permitted peer, until ctx is done. Then it accepts
// the connections in the backlog, closes ln and returns nil. It returns an error only if ln fails
// permanently. serve must not block, and left must be called once when its connection has ended.
//
// Running out of file descriptors is not permanent, and neither is reaching the connection limit:
// Accept continues when some connections have ended, and until then clients wait in the socket's
// backlog.
func (d Door) Accept(ctx context.Context, ln net.Listener, serve func(conn net.Conn, left func())) error {
	stop := context.AfterFunc(ctx, func() { callLast(ln) })
	defer stop()
	defer ln.Close()
	limit := newConnLimit(d.Most, d.Log)
	pause := shortestPause
	sure := false     // the backlog is empty: one last call may be over before it was heard
	var end time.Time // of last calls; zero before the first one
	for {
		if !limit.enter(ctx) {
			return nil
		}
		conn, err := ln.Accept()
		if err == nil {
			pause, sure = shortestPause, false
			if err := d.Peers.Check(conn); err != nil {
				limit.leave()
				d.Log.Warn("connection refused", "error", err)
				conn.Close()
				continue
			}
			serve(conn, limit.leave)
			continue
		}
		limit.leave()
		if ctx.Err() != nil && end.IsZero() {
			end = time.Now().Add(longestCall)
		}
		switch {
		case ctx.Err() != nil && !sure && time.Now().Before(end) && extend(ln):
			sure = true
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		}
		d.Log.Warn("connection not accepted", "error", err, "again_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// callLast refuses new connections and makes accepting end soon. If the socket was passed to
// another process, it is also open there: clients that connect from now on wait for that process.
func callLast(ln net.Listener) {
	if shared, ok := ln.(interface{ isLeft() bool }); ok && shared.isLeft() {
		ln.Close() // another process accepts the connections in the backlog
		return
	}
	if own, ok := ln.(interface{ refuse() }); ok {
		own.refuse()
	}
	if !extend(ln) {
		ln.Close()
	}
}

// extend lets a listener wait a moment longer; false when it cannot.
func extend(ln net.Listener) bool {
	timed, ok := ln.(interface{ SetDeadline(time.Time) error })
	return ok && timed.SetDeadline(time.Now().Add(lastCall)) == nil
}
