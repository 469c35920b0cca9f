package control

import (
	"context"
	"sync"

	"github.com/modgw/modgw/modgw/wire"
)

// collecting asks a worker to collect garbage. Its zero value has not asked.
type collecting struct {
	mu   sync.Mutex
	done chan struct{} // closes when the worker has; nil: it was not asked, or has answered
}

// Collect implements [workers.Collector].
func (w *Worker) Collect(ctx context.Context) {
	c := &w.collecting
	c.mu.Lock()
	if c.done == nil {
		c.done = make(chan struct{})
		w.Send(wire.Collect, nil)
	}
	done := c.done
	c.mu.Unlock()
	select {
	case <-done:
	case <-w.ended:
	case <-ctx.Done():
	}
}

// noteCollected is the answer of a worker that was asked.
func (w *Worker) noteCollected() error {
	c := &w.collecting
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		return wire.Errorf("a collection of garbage, which it was not asked for")
	}
	close(c.done)
	c.done = nil
	return nil
}
