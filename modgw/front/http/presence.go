package http

import (
	"context"
	"sync"
)

// presence is whether a connection's client is still there, as a context of its requests.
type presence struct {
	mu       sync.Mutex
	cancel   context.CancelFunc // nil before net/http has the connection
	gone     bool
	input    chan struct{} // closed when the client has ended its sending side; nil before it is asked for
	inputEnd bool
	released bool // the connection is its handler's
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

// end says that the client has gone, unless only a handler has to do with it.
func (p *presence) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone = true; p.cancel != nil && !p.released {
		p.cancel()
	}
}

// inputEnded returns what closes when the client has ended its sending side.
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

// endInput says that the client has ended its sending side.
func (p *presence) endInput() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.inputEnd && p.input != nil {
		close(p.input)
	}
	p.inputEnd = true
}

// release leaves it to a handler that has taken the connection over to notice that the client has
// gone.
func (p *presence) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.released = true
}

// close ends the context.
func (p *presence) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
}
