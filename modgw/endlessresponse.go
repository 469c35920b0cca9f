package modgw

import "sync"

// Endless are responses that may last for ever: the event streams and WebSockets of a generation,
// or of a worker. When that is to go they may move to its successor, and have a time of their own
// to end, so that they neither keep it alive nor are cut off at once. Its zero value has none.
type Endless struct {
	mu        sync.Mutex
	responses map[int]endlessResponse
	count     int
	stage     endlessStage
}

// endlessResponse has the functions that move and end a response.
type endlessResponse struct {
	move, end func() // move is nil for one that cannot move
}

// endlessStage is the stage of the end. It only grows.
type endlessStage uint8

const (
	endlessStays endlessStage = iota
	endlessMoves              // the successor is there
	endlessOver               // the time to end is over
)

// Add registers functions that move a response to a successor (nil if it stays) and end it. Neither
// may wait for the response. Each is called at most once, and at once if it is due already. If both
// are due, move may come after end. cancel ends the registration.
func (e *Endless) Add(move, end func()) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stage == endlessOver {
		go end() // not here: the caller may hold locks that end needs
		return func() {}
	}
	if e.stage == endlessMoves && move != nil {
		go move()
	}
	if e.responses == nil {
		e.responses = map[int]endlessResponse{}
	}
	e.count++
	id := e.count
	e.responses[id] = endlessResponse{move, end}
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.responses, id)
	}
}

// Move lets all responses that can move to a successor, which exists, and later ones at once.
func (e *Endless) Move() {
	e.mu.Lock()
	var moves []func()
	if e.stage == endlessStays {
		e.stage = endlessMoves
		for _, r := range e.responses {
			if r.move != nil {
				moves = append(moves, r.move)
			}
		}
	}
	e.mu.Unlock()
	for _, move := range moves {
		move()
	}
}

// End ends all of them, and those that come later at once.
func (e *Endless) End() {
	e.mu.Lock()
	responses := e.responses
	e.responses, e.stage = nil, endlessOver
	e.mu.Unlock()
	for _, r := range responses {
		r.end()
	}
}

// isOver reports whether responses end at once.
func (e *Endless) isOver() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stage == endlessOver
}

// OnReplaced registers a response that may last forever, such as an event stream or WebSocket. When
// the app's generation has been replaced, move is called unless it is nil; see [RequestInfo.Move].
// end is called Timeouts.WebSocketDrain later. Both are called at most once, on any goroutine, and
// must not wait for the response. cancel ends the registration; a runner calls it when the response
// has ended, or has moved.
func (i *RequestInfo) OnReplaced(move, end func()) (cancel func()) {
	if i.generation == nil {
		return func() {}
	}
	return i.generation.endless.Add(move, end)
}
