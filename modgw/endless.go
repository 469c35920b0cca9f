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

// endlessResponse says how to move and how to end a response.
type endlessResponse struct {
	move, end func() // move is nil for one that cannot move
}

// endlessStage is how far the end has come. It only grows.
type endlessStage uint8

const (
	endlessStays endlessStage = iota
	endlessMoves              // the successor is there
	endlessOver               // the time to end is over
)

// Add registers how to move a response to a successor, nil for one that stays where it is, and how
// to end it. Neither may wait for the response. Each is called once at most, and at once when it is
// time for it already; move is not called after end. cancel takes that back.
func (e *Endless) Add(move, end func()) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stage == endlessOver {
		go end() // not here: the caller may hold what end needs
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

// Move lets all responses that can move to a successor, which is there, and those that come later
// at once.
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

// OnReplaced says that the response to the request may last for ever, as event streams and
// WebSockets do. When the app's generation has been replaced, move is called, unless it is nil; see
// [RequestInfo.Move]. When Timeouts.WebSocketDrain has passed since, end is called. Both are called
// once at most, by any goroutine, and must not wait for the response. cancel takes that back; a
// runner calls it when the response has ended, or has moved.
func (i *RequestInfo) OnReplaced(move, end func()) (cancel func()) {
	if i.generation == nil {
		return func() {}
	}
	return i.generation.endless.Add(move, end)
}
