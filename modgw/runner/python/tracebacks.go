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
	waiting map[string]chan string
}

type requestTraceback struct{ request, text string }

// add keeps the traceback of a request.
func (t *tracebacks) add(request, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.waiting[request]; ok {
		c <- text // has room for the one
		delete(t.waiting, request)
		return
	}
	t.kept = append(t.kept, requestTraceback{request, text})
	if len(t.kept) > keptTracebacks {
		t.kept = t.kept[1:]
	}
}

// await returns the traceback of a request; "" when none comes.
func (t *tracebacks) await(request string) string {
	c := t.find(request)
	timer := time.NewTimer(tracebackTime)
	defer timer.Stop()
	select {
	case text := <-c:
		return text
	case <-timer.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.waiting, request)
		return ""
	}
}

func (t *tracebacks) find(request string) <-chan string {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := make(chan string, 1)
	for i, kept := range t.kept {
		if kept.request == request {
			t.kept = append(t.kept[:i:i], t.kept[i+1:]...)
			c <- kept.text
			return c
		}
	}
	if t.waiting == nil {
		t.waiting = make(map[string]chan string)
	}
	t.waiting[request] = c
	return c
}
