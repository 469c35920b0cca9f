package asgi

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// defaultHeartbeat is the interval at which the client of an open WebSocket is pinged, and the
	// time that it has to answer. A machine that loses its network cannot close the connection,
	// which would occupy the app's place for hours.
	defaultHeartbeat = 20 * time.Second

	// defaultPings is the number of pings of one client that are answered in a second.
	defaultPings = 1000
)

// signs records signs of life of a client. Its zero value has seen none.
type signs struct {
	heard   atomic.Int64 // bytes of messages
	waiting atomic.Bool  // the app accepts nothing at present, so that nothing is read
	sending atomic.Bool  // a message is on its way to the client, which TCP watches over
}

// from returns a reader of a client's bytes that records them as signs of life.
func (g *signs) from(r io.Reader) io.Reader { return noted{r, g} }

type noted struct {
	io.Reader
	signs *signs
}

// Read implements [io.Reader].
func (n noted) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	n.signs.heard.Add(int64(count))
	return count, err
}

// heartbeat asks the client again and again whether it is there, and returns true when it is not,
// false when ctx is done.
func (g *signs) heartbeat(ctx context.Context, every time.Duration, ping func(context.Context) error) (gone bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		before := g.heard.Load()
		asking, cancel := context.WithTimeout(ctx, every)
		err := ping(asking)
		cancel()
		switch {
		case err == nil, g.heard.Load() != before, g.waiting.Load(), g.sending.Load():
		case ctx.Err() != nil:
			return false
		default:
			return true
		}
	}
}

// watch ends the WebSocket of a client that is not there any more.
func (t *socket) watch(ctx context.Context) {
	if !t.signs.heartbeat(ctx, t.call.server.Heartbeat, t.conn.Ping) {
		return
	}
	t.log("WebSocket ended because its client answers no ping", "")
	t.endForClient(ending{websocket.StatusInternalError, "no answer to a ping"})
}

// pinged reports whether a ping is to be answered. A client that sends too many loses its
// WebSocket: each costs an answer, and no app ever sees them.
func (t *socket) pinged(context.Context, []byte) bool {
	if now := time.Now(); now.Sub(t.pings.since) >= time.Second {
		t.pings = pings{since: now}
	}
	t.pings.count++
	if t.pings.count == t.call.server.Pings {
		t.log("WebSocket ended because its client sends too many pings", "")
		t.running.Go(func() { t.endForClient(ending{websocket.StatusPolicyViolation, "too many pings"}) })
	}
	return t.pings.count < t.call.server.Pings
}

// pings counts pings within a second.
type pings struct {
	since time.Time
	count int
}
