package mux

import (
	"context"

	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/wire"
)

// acquire returns the connection to a worker with a slot for a stream, which is the caller's until
// release. The error is one of the queue's, or ctx's.
func (s *Server) acquire(ctx context.Context, k Kind) (*Conn, error) {
	q := s.requests
	if k == WebSocket {
		q = s.sockets
	}
	m, err := q.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	c := m.Value.(*Conn)
	c.worker.Began()
	return c, nil
}

// release gives a slot back.
func (c *Conn) release(k Kind) {
	if k == WebSocket {
		c.server.sockets.Release(c.sockets)
	} else {
		c.server.requests.Release(c.requests)
	}
}

// makeSlots makes the slots of a worker.
func (c *Conn) makeSlots() {
	c.requests = &queue.Member{Places: c.server.config.Requests, Value: c}
	c.sockets = &queue.Member{Places: c.server.config.WebSockets, Value: c}
}

// pause lets no more requests come to the worker until resume.
func (c *Conn) pause() {
	c.server.requests.Pause(c.requests)
	c.server.sockets.Pause(c.sockets)
}

// resume ends a pause.
func (c *Conn) resume() {
	c.server.requests.Resume(c.requests)
	c.server.sockets.Resume(c.sockets)
}

// Add implements [control.Connections].
func (c *Conn) Add() {
	c.server.requests.Add(c.requests)
	c.server.sockets.Add(c.sockets)
}

// Remove implements [control.Connections].
func (c *Conn) Remove() {
	c.server.requests.Remove(c.requests)
	c.server.sockets.Remove(c.sockets)
}

// Drained implements [control.Connections].
func (c *Conn) Drained() <-chan struct{} {
	requests, sockets := c.server.requests.Remove(c.requests), c.server.sockets.Remove(c.sockets)
	both := make(chan struct{})
	// When the app is being stopped, the channel is not waited for.
	c.server.app.Pool.Background(func() {
		defer close(both)
		<-requests
		<-sockets
	})
	return both
}

// Loaded implements [control.Connections].
func (c *Conn) Loaded(m wire.ReadyMessage) { c.takesShared = m.Buffer && c.buffer != nil }

// Requeue implements [control.Connections]: the worker begins every request as soon as it comes.
func (c *Conn) Requeue([]byte, bool) error {
	return wire.Errorf("requests given back, of which none wait")
}

// Answered implements [control.Connections]: checkLoop finds out whether the loop runs.
func (c *Conn) Answered() {}

// Join implements [control.Connections]: an event loop serves several hosts at the same time.
func (c *Conn) Join(payload []byte, _ bool) error {
	if len(payload) > 0 {
		return wire.Errorf("a thread that serves another host")
	}
	return nil
}

// Shared implements [control.Connections].
func (c *Conn) Shared() int {
	if c.buffer == nil {
		return 0
	}
	return 1
}

// Cut implements [control.Connections].
func (c *Conn) Cut() { c.conn.Shutdown() }
