package modgw

import "sync"

// endless are the responses of a generation that may last for ever: event streams and WebSockets. When the generation
// has been replaced they have a time of their own to end, so that they neither keep it alive nor are cut off at once.
type endless struct {
	mu    sync.Mutex
	ends  map[int]func()
	count int
	over  bool // their time is
}

// add registers a response's end. It returns how to take it back.
func (e *endless) add(end func()) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		go end() // not here: the caller may hold what end needs
		return func() {}
	}
	if e.ends == nil {
		e.ends = map[int]func(){}
	}
	e.count++
	id := e.count
	e.ends[id] = end
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.ends, id)
	}
}

// end ends all of them, and those that come later at once.
func (e *endless) end() {
	e.mu.Lock()
	ends := e.ends
	e.ends, e.over = nil, true
	e.mu.Unlock()
	for _, end := range ends {
		end()
	}
}

// OnReplaced says that the response to the request may last for ever, as event streams and WebSockets do. When the app's
// generation has been replaced, and Timeouts.WebSocketDrain has passed since, end is called, once and in a goroutine of
// its own; it must not wait for the response. cancel takes that back; a runner calls it when the response has ended.
func (i *RequestInfo) OnReplaced(end func()) (cancel func()) {
	if i.generation == nil {
		return func() {}
	}
	return i.generation.endless.add(end)
}
