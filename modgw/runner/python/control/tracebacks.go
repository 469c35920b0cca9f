package control

import (
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// mostTracebacks is how many requests have their tracebacks kept, or wait for them.
	mostTracebacks = 32

	// tracebackTime is how long a request waits for its traceback, which comes on another
	// connection. On a busy machine that may be late; a worker that has failed a request always
	// sends it.
	tracebackTime = 5 * time.Second
)

// tracebacks keeps the tracebacks of failed requests for their error pages in development. Its zero
// value is empty.
type tracebacks struct {
	mu    sync.Mutex
	all   map[string]chan traceback // by request id; each has room for the one
	order []string                  // keys of all, the oldest first
}

// traceback is the traceback of an exception.
type traceback struct {
	text    string // as Python prints it
	details string // the frames with their variables, in JSON
}

// AddTraceback adds to the fault of a failed request the traceback that the worker has logged, in
// development. secrets are left out of it.
func (w *Worker) AddTraceback(fault *modgw.Fault, request string, secrets []string) {
	if w.Dev {
		found := w.tracebacks.await(request)
		fault.Output, fault.Exceptions = found.text, Exceptions(found.details, secrets)
	}
}

// add keeps the first traceback of a request.
func (t *tracebacks) add(request string, found traceback) {
	select {
	case t.of(request) <- found:
	default:
	}
}

// await returns the traceback of a request; it is empty when none comes.
func (t *tracebacks) await(request string) (found traceback) {
	timer := time.NewTimer(tracebackTime)
	defer timer.Stop()
	select {
	case found = <-t.of(request):
	case <-timer.C:
	}
	return found
}

// of returns the channel for the traceback of a request, for the side that comes first and for the
// other.
func (t *tracebacks) of(request string) chan traceback {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.all[request]
	if ok {
		return c
	}
	if t.all == nil {
		t.all = make(map[string]chan traceback)
	}
	if len(t.order) == mostTracebacks {
		delete(t.all, t.order[0])
		t.order = t.order[1:]
	}
	c = make(chan traceback, 1)
	t.all[request], t.order = c, append(t.order, request)
	return c
}
