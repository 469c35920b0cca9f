package host

import (
	"context"
	"sync"
)

// startTracing exports spans until the function that it returns is called, when no request is in
// flight any more. Without tracing it does nothing.
func (h *Host) startTracing() (end func()) {
	if h.tracer == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var exporting sync.WaitGroup
	exporting.Go(func() { h.tracer.Run(ctx) })
	return func() {
		cancel()
		exporting.Wait()
	}
}
