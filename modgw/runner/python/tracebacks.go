package python

import (
	"sync"
	"time"
)

const (
	// keptTracebacks is how many tracebacks are kept for requests that may still ask.
	keptTracebacks = 16

	// tracebackTime is how long a request waits for its traceback, which comes on another connection.
	tracebackTime = 200 * time.Millisecond
)

// tracebacks keeps the tracebacks of failed requests for their error pages in development. Its zero value is empty.
type tracebacks struct {
	mu      sync.Mutex
	kept    []requestTraceback // the oldest first
	waiting map[string]chan trace
}

type requestTraceback struct {
	request string
	trace   trace
}

// trace is a traceback as text and in detail.
type trace struct{ text, details string }

// add keeps the traceback of a request.
func (t *tracebacks) add(request string, found trace) {
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
func (t *tracebacks) await(request string) trace {
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
		return trace{}
	}
}

func (t *tracebacks) find(request string) <-chan trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan trace, 1)
	for i, kept := range t.kept {
		if kept.request == request {
			t.kept = append(t.kept[:i:i], t.kept[i+1:]...)
			c <- kept.trace
			return c
		}
	}
	if t.waiting == nil {
		t.waiting = make(map[string]chan trace)
	}
	t.waiting[request] = c
	return c
}
