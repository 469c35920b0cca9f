package mux

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// partingTime is how long a worker may take to end an event stream that it must leave, before
	// the next one is asked.
	partingTime = 100 * time.Millisecond

	// hurryTime is how long a stream may continue to look for another worker when the time to stay
	// is over.
	hurryTime = 5 * time.Second

	// moved is the reason that such a worker gets.
	moved = "the event stream goes on with another worker"
)

// ResumedScope makes the head of a Request frame for an event stream that continues after the event
// with an id; "": no event had one.
type ResumedScope func(b []byte, r *http.Request, info *modgw.RequestInfo, lastID string) []byte

// events is the source of a response that can continue on another worker if it turns out to be an
// event stream. Until then it is the source of its stream.
//
// The client only gets complete events of an event stream, so that the next worker's output follows
// the end of one.
type events struct {
	call    *request.Call
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // goroutines of move

	// The goroutine that reads uses these.
	forget func() // takes the registration for the end of generation and worker back; nil: none
	held   []byte // bytes that are passed on, followed by those of an incomplete event
	passed int    // bytes of held that are passed on

	mu          sync.Mutex
	*Stream     // has the request
	scanner     eventScanner
	torn        bool  // a part of an event that is not complete was passed on
	slot        *Slot // slot that the stream is about to move to; nil: it stays
	stage       eventsStage
	due         bool // its time with the worker is over
	interrupted bool // nothing is read any more
	over        bool // no goroutine may begin any more
}

// eventsStage is the progress of an event stream's move to another worker.
type eventsStage uint8

const (
	eventsStay  eventsStage = iota
	eventsSeek              // it looks for a slot, or has one
	eventsLeave             // the worker was told to end it
	eventsGone              // the worker has ended it
)

var _ response.EventSource = (*events)(nil)

// newEvents makes the source of a request's response. Its end must be called.
func newEvents(s *Stream, c *request.Call) *events {
	e := &events{call: c, Stream: s}
	e.scanner.begin(c.R.Header.Get("Last-Event-Id"))
	e.ctx, e.cancel = context.WithCancel(s.ctx)
	return e
}

// canMove reports whether a request can be made once more without harm: it has no body.
func canMove(s *Stream, c *request.Call) bool {
	return s.conn.server.config.Resume && c.R.Method == http.MethodGet &&
		c.Body.IsWhole() && len(c.Body.Beginning()) == 0
}

// current is the stream that has the request.
func (e *events) current() *Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Stream
}

// BeginEvents implements [response.EventSource].
func (e *events) BeginEvents(body []byte) (now []byte) {
	e.register()
	_ = e.Stream.Release(len(body)) // it has no error
	return e.keep(body)
}

// EndEvents implements [response.EventSource].
func (e *events) EndEvents() {
	if e.forget != nil {
		e.forget()
	}
}

// register lets the stream move or end when its generation or its worker is replaced.
func (e *events) register() {
	s := e.Stream
	e.forget = e.call.OnReplaced(e.move, func() { e.endStay(s) })
}

// endStay ends the time that the stream may stay with a worker that is replaced. A stream that is
// moving has some more time: many others may be moving, too.
func (e *events) endStay(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.due = true
	if e.stage > eventsStay {
		time.AfterFunc(hurryTime, s.Replace)
	} else {
		s.Replace()
	}
}

// end stops the moving, and returns the stream that finally has the request.
func (e *events) end() *Stream {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
	if e.slot != nil {
		e.slot.Cancel()
	}
	return e.Stream
}

// move lets the stream move to another worker, in the background.
func (e *events) move() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.stage = eventsSeek
		e.running.Go(e.leaveWorker)
	}
}

// leaveWorker finds a slot for the stream elsewhere, and has its worker end it. Without a slot it
// stays until its end.
func (e *events) leaveWorker() {
	slot := e.current().Reserve(e.ctx, e.call.Info)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.slot = slot
	switch e.part(); {
	case slot == nil:
		e.stage = eventsStay
		if e.due {
			e.Stream.Replace()
		}
	case e.stage < eventsLeave:
		slot.Yield() // it may take long until the event is complete
	}
}

// part has the worker end the stream if there is where to go, and the client has whole events
// alone; e.mu is held.
func (e *events) part() {
	if e.slot == nil || e.torn || e.stage >= eventsLeave {
		return
	}
	e.stage = eventsLeave
	e.Stream.end(moved)
	// By then the stream is over, or this ends reading from it.
	time.AfterFunc(partingTime, e.Stream.Interrupt)
}

// Next implements [response.Source].
func (e *events) Next() (wire.Frame, error) {
	for {
		if e.isGone() {
			if f, ok, err := e.goOn(); ok || err != nil {
				return f, err
			}
		}
		f, err := e.Stream.Next()
		if f, ok, err := e.take(f, err); ok || err != nil {
			return f, err
		}
	}
}

// Buffered implements [response.Source].
func (e *events) Buffered() (wire.Frame, bool, error) {
	for !e.isGone() {
		f, ok, err := e.Stream.Buffered()
		if !ok && err == nil {
			return f, false, nil
		}
		if f, ok, err := e.take(f, err); ok || err != nil {
			return f, ok, err
		}
	}
	return wire.Frame{}, false, nil
}

// take returns the part of a frame, or of an error, that is for the client now; ok is false for
// none.
func (e *events) take(f wire.Frame, err error) (now wire.Frame, ok bool, _ error) {
	if e.forget == nil {
		return f, err == nil, err
	}
	switch {
	case (err != nil || f.Type == wire.Abort) && !errors.Is(err, relay.ErrReplaced) && e.leave():
		return now, false, nil
	case err != nil || f.Type != wire.Body:
		return f, err == nil, err
	}
	return e.takeBody(f)
}

// leave records that the worker has ended the stream, and reports whether it was told to.
func (e *events) leave() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stage != eventsLeave || e.interrupted || e.ctx.Err() != nil {
		return false
	}
	e.stage = eventsGone
	return true
}

func (e *events) isGone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stage == eventsGone
}

// takeBody returns the part of a Body frame that ends between two events; at the end everything.
func (e *events) takeBody(f wire.Frame) (now wire.Frame, ok bool, err error) {
	size := len(f.Payload)
	f.Payload = e.keep(f.Payload)
	if f.End() {
		f.Payload = e.held
		e.passed = len(e.held)
	}
	_ = e.Stream.Release(size) // it has no error
	return f, len(f.Payload) > 0 || f.End(), nil
}

// keep appends a piece of the stream to the held bytes, and returns those that are for the client
// now.
func (e *events) keep(piece []byte) (now []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = append(e.held[:0], e.held[e.passed:]...)
	e.scanner.drop(e.passed)
	e.held = append(e.held, piece...)
	e.passed = e.scanner.scan(e.held)
	switch {
	case e.passed > 0:
		e.torn = false
	case len(e.held) > maxEvent:
		e.torn = true
		if e.passed = e.scanner.line; e.passed == 0 {
			e.passed = len(e.held)
		}
	}
	e.part()
	return e.held[:e.passed]
}

// goOn opens the stream on the worker that it moves to, and returns the beginning of that one's
// output.
func (e *events) goOn() (f wire.Frame, ok bool, err error) {
	e.forget()
	e.mu.Lock()
	old, slot, torn, lastID := e.Stream, e.slot, e.torn, e.scanner.lastID
	e.slot = nil
	e.mu.Unlock()
	head := old.conn.server.config.ResumedScope(nil, e.call.R, e.call.Info, lastID)
	if torn || len(head) > request.MaxHead {
		slot.Cancel()
		return f, false, relay.ErrReplaced
	}
	old.Abandon(moved, true)
	s, err := slot.Open(e.ctx, e.call, head)
	defer slot.Yield()
	if err != nil {
		return f, false, relay.ErrReplaced // the old stream is the one to finish
	}
	old.Finish()
	e.begin(s)
	if f, err = e.awaitHead(s); err != nil {
		return f, false, err
	}
	s.RemoveDeadline()
	e.register()
	f.Type = wire.Body
	return e.takeBody(f)
}

// begin makes s the stream that has the request. Nothing is left of the previous one.
func (e *events) begin(s *Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Stream, e.stage, e.due, e.torn = s, eventsStay, false, false
	e.held, e.passed = e.held[:0], 0
	e.scanner.begin(e.scanner.lastID)
	if e.interrupted {
		s.Interrupt()
	}
}

// awaitHead waits for the head of an event stream and returns the frame with the piece of the body
// that came with it. Any other response ends the client's.
func (e *events) awaitHead(s *Stream) (f wire.Frame, err error) {
	for {
		if f, err = s.Next(); err != nil {
			if errors.Is(err, context.Canceled) {
				return f, err
			}
			return f, e.refused(s, err.Error())
		}
		if f.Type != wire.Event { // early hints
			break
		}
		if err := s.Release(response.Cost(f)); err != nil {
			return f, err
		}
	}
	if f.Type != wire.Response {
		return f, e.refused(s, "it failed")
	}
	raw, body, err := s.Split(f)
	if err != nil {
		return f, err
	}
	f.Payload = body
	var head response.Head
	switch err := head.Decode(raw); {
	case err != nil:
		return f, e.refused(s, err.Error())
	case !head.IsEventStream():
		return f, e.refused(s, "its response is no event stream")
	}
	return f, nil
}

// refused reports that the app does not continue the stream. Its end lets the client connect again.
func (e *events) refused(s *Stream, reason string) error {
	s.conn.worker.Log.Warn("event stream ended because the app does not go on with it",
		"request", e.call.Info.ID, "reason", reason)
	s.Abandon(reason, true)
	return relay.ErrReplaced
}

// Release implements [response.Source]: the bytes of events were released when they were read.
func (e *events) Release(n int) error {
	if e.forget != nil {
		return nil
	}
	return e.Stream.Release(n)
}

// Ended implements [response.Source].
func (e *events) Ended() bool {
	e.mu.Lock()
	stays := e.stage < eventsLeave
	e.mu.Unlock()
	return stays && e.Stream.Ended()
}

// Interrupt implements [response.Source].
func (e *events) Interrupt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.interrupted = true
	e.Stream.Interrupt()
}

// Replace implements [response.Source].
func (e *events) Replace() { e.current().Replace() }
