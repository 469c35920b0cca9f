package modgw

import "sync"

// Endless are responses that may last for ever: the event streams and WebSockets of a generation,
// or of a worker. When that is to go they have a time of their own to end, so that they neither
// keep it alive nor are cut off at once. Its zero value has none.
type Endless struct {
	mu    sync.Mutex
	ends  map[int]func()
	count int
	over  bool // their time is
}

// Add registers how to end a response; end must not wait for it, and is called once, at once when
// the time is over already. cancel takes that back.
func (e *Endless) Add(end func()) (cancel func()) {
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

// End ends all of them, and those that come later at once.
func (e *Endless) End() {
	e.mu.Lock()
	ends := e.ends
	e.ends, e.over = nil, true
	e.mu.Unlock()
	for _, end := range ends {
		end()
	}
}

// OnReplaced says that the response to the request may last for ever, as event streams and
// WebSockets do. When the app's generation has been replaced, and Timeouts.WebSocketDrain has
// passed since, end is called, once and in a goroutine of its own; it must not wait for the
// response. cancel takes that back; a runner calls it when the response has ended.
func (i *RequestInfo) OnReplaced(end func()) (cancel func()) {
	if i.generation == nil {
		return func() {}
	}
	return i.generation.endless.Add(end)
}
