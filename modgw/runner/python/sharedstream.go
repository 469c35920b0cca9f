package python

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// streamKind says what a stream of a shared lane carries.
type streamKind uint8

const (
	httpStream streamKind = iota
	webSocketStream
)

// sharedStream is one request on a shared lane and its response. The goroutine that reads the lane leaves here what
// comes; one other goroutine, which has the request, takes it. The windows of the protocol bound what can lie here.
type sharedStream struct {
	outflow
	lane     *sharedLane
	ctx      context.Context // of the request
	kind     streamKind
	request  workers.Request
	unsent   atomic.Bool // the Request frame could not be written
	deadline instant     // zero: none; what reads ahead may put it off while the request is given up
	timer    *time.Timer
	asked    bool          // whether the loop is blocked
	news     chan struct{} // has a token when there is something new

	inputEnded <-chan struct{} // nil once that was seen
	departure  *time.Timer     // tells the app; nil as long as the client sends, or may

	mu        sync.Mutex
	headed    bool // the head of the response came, or the WebSocket was accepted
	closed    bool // the worker closed the stream
	abandoned bool // nobody wants any more what comes
	endless   bool
	replaced  bool
	broken    bool // next is to return context.Canceled
	told      bool // a WebSocket's app that it has ended
	reaper    *time.Timer
	received  wire.ReceiveWindow
	borrows   bool // some of the response came in shared memory
	arrived   []arrival
	err       error // of the lane
}

// arrival is a frame that has come. A body that comes in many frames becomes one.
type arrival struct {
	wire.Frame
	file     *os.File // with a File frame
	borrowed bool     // the payload is in shared memory
}

// take leaves a frame for whoever has the request. It reports whether the worker has closed the stream with it.
func (s *sharedStream) take(f wire.Frame, file *os.File) (closed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Type == wire.Window {
		return false, s.grow(f.Payload)
	}
	borrowed := f.Type == wire.Lent
	if borrowed {
		if f, err = s.borrow(f); err != nil {
			return false, err
		}
	}
	if err := s.judge(f); err != nil {
		closeFile(file)
		return false, err
	}
	closed = f.End() || f.Type == wire.Abort
	if s.abandoned {
		closeFile(file)
		s.closed = closed
		s.giveBack(cost(f))
		return closed, nil
	}
	if borrowed {
		s.arrived = append(s.arrived, arrival{Frame: f, borrowed: true})
	} else {
		s.keep(f, file)
	}
	s.closed = closed
	s.tell()
	return closed, nil
}

// judge checks that a frame may come now.
func (s *sharedStream) judge(f wire.Frame) error {
	switch f.Type {
	case wire.Response:
		if s.headed {
			return wire.Errorf("a second Response on stream %d", s.id)
		}
		s.headed = true
		return nil // split counts what it has of the body
	case wire.Body:
		if !s.headed {
			return wire.Errorf("a Body frame before Response on stream %d", s.id)
		}
		return s.received.Received(len(f.Payload))
	case wire.Event:
		if len(f.Payload) == 0 {
			return wire.Errorf("an empty Event on stream %d", s.id)
		}
		accepts := s.kind == webSocketStream && !s.headed
		s.headed = s.headed || accepts
		if accepts || f.End() {
			return nil // there is one of each
		}
		return s.received.Received(cost(f))
	case wire.File:
		if !s.headed || !f.End() || s.kind != httpStream {
			return wire.Errorf("a File frame before Response, or without the end, on stream %d", s.id)
		}
		return nil
	case wire.Abort:
		return nil
	}
	return wire.Errorf("a %s frame on a lane", f.Type)
}

// keep stores a frame, whose payload is only lent.
func (s *sharedStream) keep(f wire.Frame, file *os.File) {
	if n := len(s.arrived); n > 0 && f.Type == wire.Body && s.arrived[n-1].Type == wire.Body && !s.arrived[n-1].borrowed {
		last := &s.arrived[n-1]
		last.Payload = append(last.Payload, f.Payload...)
		last.Flags |= f.Flags
		return
	}
	f.Payload = append([]byte(nil), f.Payload...)
	s.arrived = append(s.arrived, arrival{Frame: f, file: file})
}

// next implements [incoming].
func (s *sharedStream) next() (wire.Frame, error) {
	for {
		f, ok, err := s.buffered()
		if ok || err != nil {
			return f, err
		}
		if err := s.wait(); err != nil {
			return wire.Frame{}, err
		}
	}
}

// buffered implements [incoming].
func (s *sharedStream) buffered() (f wire.Frame, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.replaced:
		return f, false, errReplaced
	case s.broken:
		return f, false, context.Canceled
	case len(s.arrived) == 0:
		return f, false, s.err
	case s.arrived[0].Type == wire.File:
		return s.arrived[0].Frame, true, nil // descriptor takes it away
	}
	f = s.arrived[0].Frame
	s.arrived[0] = arrival{}
	s.arrived = s.arrived[1:]
	return f, true, nil
}

// wait waits for something new.
func (s *sharedStream) wait() error {
	if s.departure != nil && s.endless {
		return context.Canceled // whoever listens to events keeps the connection open in both directions
	}
	var late <-chan time.Time
	if s.timer == nil {
		s.timer = time.NewTimer(s.patience())
	}
	late = s.timer.C
	select {
	case <-s.news:
		return nil
	case <-s.ctx.Done():
		return context.Canceled
	case <-s.inputEnded:
		s.inputEnded = nil
		s.departure = time.AfterFunc(departureGrace, s.tellDeparture)
		return nil
	case <-late:
	}
	if s.asked = true; !s.deadline.get().IsZero() && !time.Now().Before(s.deadline.get()) {
		waited := s.clientTime()
		if waited == 0 {
			return errOverdue
		}
		s.deadline.set(s.deadline.get().Add(waited))
		s.timer.Reset(s.patience())
		return nil
	}
	s.lane.worker.askForLag()
	s.timer.Reset(s.patience())
	return nil
}

// departureGrace is how long after the end of its sending side a client is taken for one that waits
// for its response. Later the app is told that it has gone, and may still answer.
const departureGrace = time.Second

// tellDeparture lets the app receive http.disconnect.
func (s *sharedStream) tellDeparture() {
	if !s.isOver() {
		s.lane.runner.Background(func() { s.write(wire.Frame{Type: wire.Event}) })
	}
}

// patience is how long to wait until the deadline, or until it is time to ask what holds the app up.
func (s *sharedStream) patience() time.Duration {
	const never = 1 << 62
	limit := time.Duration(never)
	if !s.deadline.get().IsZero() {
		limit = time.Until(s.deadline.get())
	}
	if !s.asked {
		limit = min(limit, lagTime)
	}
	return limit
}

// split implements [incoming].
func (s *sharedStream) split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		err = s.received.Received(len(body))
	}
	return head, body, err
}

// descriptor implements [incoming].
func (s *sharedStream) descriptor() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.arrived[0].file
	s.arrived = nil
	return file, nil
}

// consumed implements [incoming].
func (s *sharedStream) consumed(n int) error {
	s.mu.Lock()
	back := s.received.Consumed(n)
	unheard := s.closed && !s.borrows
	s.mu.Unlock()
	if back > 0 && !unheard {
		s.allow(back)
	}
	return nil
}

// ended implements [incoming].
func (s *sharedStream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed && len(s.arrived) == 0
}

// extend implements [incoming].
func (s *sharedStream) extend(d time.Duration) {
	if !s.deadline.get().IsZero() {
		s.bound(s.deadline.get().Add(d))
	}
}

// unbound implements [incoming].
func (s *sharedStream) unbound() {
	s.bound(time.Time{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endless = true
}

func (s *sharedStream) bound(deadline time.Time) {
	s.deadline.set(deadline)
	if s.timer != nil {
		s.timer.Reset(s.patience())
	}
}

// replace implements [incoming].
func (s *sharedStream) replace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaced = true
	s.tell()
}

// interrupt implements [incoming].
func (s *sharedStream) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = true
	s.tell()
}

// abandon says that nobody wants any more what comes, tells the worker why, and with over also that it shall not go on
// with the request; otherwise that is said when the request's time is up. The seat is given back when the worker closes
// the stream.
func (s *sharedStream) abandon(reason string, over bool) {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Lock()
	closed, lost := s.closed, s.err != nil
	s.abandoned = true
	over = over || s.endless // an app that has nobody to send events to has nothing more to do
	if !closed && !lost && !over && !s.deadline.get().IsZero() {
		s.reaper = time.AfterFunc(time.Until(s.deadline.get()), func() { s.end(reason) })
	}
	s.drop()
	s.mu.Unlock()
	switch {
	case closed || lost:
	case over:
		s.end(reason)
	default:
		s.callOff(reason, false)
	}
}

// end tells the worker not to go on with the request, and has it replaced when it does not obey.
func (s *sharedStream) end(reason string) {
	s.callOff(reason, true)
	s.lane.runner.watchStuck(s)
}

// callOff sends Cancel. A worker that is stuck reads nothing, so that nobody waits for it unless it is about to be ended.
func (s *sharedStream) callOff(reason string, over bool) {
	f := wire.Frame{Type: wire.Cancel, Payload: []byte(reason)}
	if over {
		f.Flags = wire.FlagEnd
	}
	s.lane.sent()
	if !s.lane.runner.Background(func() { s.write(f) }) {
		s.write(f)
	}
}

// settle ends what was to happen if the stream did not end. The lane calls it when it has.
func (s *sharedStream) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reaper != nil {
		s.reaper.Stop()
	}
}

// finish lets go of what belongs to a stream that has ended.
func (s *sharedStream) finish() {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.departure != nil {
		s.departure.Stop()
	}
	s.restore()
	s.lane.letGo()
}

// fail says that the lane ended before the stream.
func (s *sharedStream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.tell()
}

// tell says that there is something new.
func (s *sharedStream) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// drop forgets what has come; s.mu is held.
func (s *sharedStream) drop() {
	used := 0
	for _, a := range s.arrived {
		closeFile(a.file)
		used += cost(a.Frame)
	}
	s.arrived = nil
	s.giveBack(used)
}

// cost is what a frame uses of the window, and gives back when it is consumed.
func cost(f wire.Frame) int {
	switch f.Type {
	case wire.Body:
		return len(f.Payload)
	case wire.Event:
		return len(f.Payload) + wire.EventCost
	}
	return 0
}

// giveBack lets the worker send on what nobody wants, so that it comes to its end; s.mu is held.
func (s *sharedStream) giveBack(n int) {
	back := 0
	switch {
	case s.borrows:
		back = s.received.Rest()
	case !s.closed:
		back = s.received.Consumed(n)
	}
	if back > 0 {
		s.lane.runner.Background(func() { s.allow(back) }) // reading must not wait for writing
	}
}

func closeFile(file *os.File) {
	if file != nil {
		// It was only read.
		_ = file.Close()
	}
}

// instant is a time that several goroutines read and set. The zero value is the zero time.
type instant struct{ at atomic.Pointer[time.Time] }

func (i *instant) get() time.Time {
	if at := i.at.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

func (i *instant) set(t time.Time) { i.at.Store(&t) }
