package http

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
)

// halfOpenGrace is how long a request whose client has closed its sending side may take to begin
// its response. After that the client counts as gone.
const halfOpenGrace = 3 * time.Second

// presence is whether a connection's client is still there, as a context of its requests.
type presence struct {
	mu     sync.Mutex
	cancel context.CancelFunc // nil before the first request
	gone   bool
	// closed by the end of the client's sending side; nil before it is asked for
	input    chan struct{}
	inputEnd bool
	waits    bool        // for the response to a request of HTTP/1 that has not begun
	grace    *time.Timer // nil unless it waits and has ended its sending side
	released bool        // the connection is its handler's
}

// context returns one that ends with the client.
func (p *presence) context(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel = cancel; p.gone {
		cancel()
	}
	return ctx
}

// end reports that the client has gone, unless only a handler may use the connection.
func (p *presence) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave()
}

func (p *presence) leave() {
	if p.gone = true; p.cancel != nil && !p.released {
		p.cancel()
	}
}

// inputEnded returns a channel that is closed when the client has closed its sending side.
func (p *presence) inputEnded() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.input == nil {
		p.input = make(chan struct{})
		if p.inputEnd {
			close(p.input)
		}
	}
	return p.input
}

// endInput reports that the client has closed its sending side.
func (p *presence) endInput() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inputEnd {
		return
	}
	if p.inputEnd = true; p.input != nil {
		close(p.input)
	}
	p.startGrace()
}

// beginRequest reports that the client waits for a response.
func (p *presence) beginRequest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits = true
	p.startGrace()
}

// beginResponse reports that the client does not wait for its response any more. If it has gone,
// sending shows that.
func (p *presence) beginResponse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopGrace()
}

// startGrace has the client count as gone in a while, when it only waits and has ended its sending
// side.
func (p *presence) startGrace() {
	if !p.inputEnd || !p.waits {
		return
	}
	var grace *time.Timer
	grace = time.AfterFunc(halfOpenGrace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.grace == grace { // and not stopped too late
			p.leave()
		}
	})
	p.grace = grace
}

func (p *presence) stopGrace() {
	if p.waits = false; p.grace != nil {
		p.grace.Stop()
		p.grace = nil
	}
}

// release leaves it to a handler that has taken the connection over to notice that the client has
// gone.
func (p *presence) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopGrace()
	p.released = true
}

// isReleased reports whether a handler has taken the connection over.
func (p *presence) isReleased() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.released
}

// close ends the context.
func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopGrace()
	if p.cancel != nil {
		p.cancel()
	}
}

// watchEnd has the client's going noticed while the connection is not read: when it is reset,
// or closed in both directions.
//
// A client that only ends its sending side may wait for the answer, and over TCP one that has
// closed the connection looks the same until something is sent to it. So the end of the sending
// side counts only when no response has begun some time later.
func (c *conn) watchEnd() {
	if loop := c.server.ends; loop != nil {
		// else sending shows it
		withDescriptor(c.raw, func(fd int) { _ = loop.AddEnd(&c.source, fd, c) })
	}
}

// unwatchEnd ends that for a connection that goes on.
func (c *conn) unwatchEnd() {
	withDescriptor(c.raw, func(int) { c.source.Remove() })
	c.source.Forget() // if the connection was closed
}

// isWatched reports whether the client's going is noticed.
func (c *conn) isWatched() bool { return c.source.IsAdded() }

// Ready implements [eventloop.Handler] for watchEnd.
func (c *conn) Ready(e eventloop.Events) {
	if e.HungUp() {
		c.presence.end()
		return
	}
	c.presence.endInput()
}

// withDescriptor calls f with the descriptor of a connection of the kernel's, unless it is closed.
func withDescriptor(c net.Conn, f func(fd int)) {
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { f(int(fd)) })
		}
	}
}
