package control

import (
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// keptTracebacks is how many tracebacks are kept for requests that may still ask.
	keptTracebacks = 16

	// tracebackTime is how long a request waits for its traceback, which comes on another
	// connection. On a busy machine that may be late; a worker that has failed a request sends it.
	tracebackTime = 5 * time.Second
)

// tracebacks keeps the tracebacks of failed requests for their error pages in development. Its zero
// value is empty.
type tracebacks struct {
	mu      sync.Mutex
	kept    []requestTraceback        // the oldest comes first
	waiting map[string]chan traceback // by request id
}

type requestTraceback struct {
	request string // its id
	traceback
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

// add keeps the traceback of a request.
func (t *tracebacks) add(request string, found traceback) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.waiting[request]; ok {
		c <- found // has room for the one
		delete(t.waiting, request)
		return
	}
	t.kept = append(t.kept, requestTraceback{request, found})
	if len(t.kept) > keptTracebacks {
		t.kept = t.kept[1:]
	}
}

// await returns the traceback of a request; it is empty when none comes.
func (t *tracebacks) await(request string) traceback {
	c := t.find(request)
	timer := time.NewTimer(tracebackTime)
	defer timer.Stop()
	select {
	case found := <-c:
		return found
	case <-timer.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.waiting, request)
		return traceback{}
	}
}

func (t *tracebacks) find(request string) <-chan traceback {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan traceback, 1)
	for i, kept := range t.kept {
		if kept.request == request {
			t.kept = append(t.kept[:i:i], t.kept[i+1:]...)
			c <- kept.traceback
			return c
		}
	}
	if t.waiting == nil {
		t.waiting = make(map[string]chan traceback)
	}
	t.waiting[request] = c
	return c
}
