package asgi

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// partingTime is how long the old app may take to return after its WebSocket was handed over,
	// before the new one is asked.
	partingTime = 100 * time.Millisecond

	// handedOver is the reason that the old app is told.
	handedOver = "the WebSocket goes on with another worker"
)

// move lets the WebSocket move to another worker, in the background.
func (t *socket) move() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.running.Go(t.leaveWorker)
	}
}

// leaveWorker finds a slot for the WebSocket elsewhere, and has its worker hand it over. Without a
// slot the WebSocket stays until its end.
func (t *socket) leaveWorker() {
	s := t.current()
	slot := s.Reserve(t.call.Info)
	if slot == nil {
		return
	}
	t.outbox.stop()
	if !t.outbox.lock(s.Context()) {
		slot.Cancel()
		return
	}
	t.mu.Lock()
	t.slot = slot
	t.mu.Unlock()
	s.HandOver(int(websocket.StatusServiceRestart), handedOver)
}

// handOver takes note of how many messages the app has received. The others are for the next one.
func (t *socket) handOver(received int) (end ending, moves bool) {
	if !t.isMoving() {
		t.suspect(wire.Errorf("a WebSocket was handed over that stays"))
		return ending{code: websocket.StatusInternalError}, false
	}
	if err := t.outbox.account(received); err != nil {
		t.suspect(err)
		return ending{code: websocket.StatusInternalError}, false
	}
	return ending{}, true
}

// isMoving reports whether the worker was asked to hand the WebSocket over.
func (t *socket) isMoving() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.slot != nil
}

// resume opens the app's side of the WebSocket on the worker that it moves to, and sends it what
// the old app has not received. When that fails it returns how the WebSocket ends.
func (t *socket) resume(ctx context.Context) (end ending, ok bool) {
	t.forget()
	t.forget = func() {}
	t.leaveStream()
	slot := t.slot
	if ctx.Err() != nil {
		return ending{}, false
	}
	head := appendWebSocketScope(nil, t.call.R, t.call.Info, &resumed{t.subprotocol})
	if len(head) > request.MaxHead {
		return ending{websocket.StatusServiceRestart, handedOver}, false
	}
	s, settle, err := slot.Open(ctx, t.call.Call, head)
	defer settle()
	t.mu.Lock()
	t.slot = nil
	t.mu.Unlock()
	if err != nil {
		return ending{websocket.StatusServiceRestart, handedOver}, false
	}
	t.call.stream = s
	t.setCurrent(s)
	if end, ok := t.awaitAccept(s); !ok {
		return end, false
	}
	s.RemoveDeadline()
	t.lag.setWorker(s.Worker())
	t.outbox.begin(ctx, s)
	t.running.Go(func() {
		defer t.outbox.unlock()
		t.outbox.resend()
	})
	t.register(s)
	s.Worker().Log.Debug("WebSocket goes on", "request", t.call.Info.ID)
	return ending{}, true
}

// leaveStream lets the old app return before the new one is asked, if it is quick.
func (t *socket) leaveStream() {
	old := t.current()
	old.Leave()
	old.AwaitEnd(partingTime)
	old.Finish()
	t.call.stream = nil
}

// awaitAccept waits until the new app has accepted the WebSocket as the old one had. Otherwise it
// returns how the WebSocket ends.
func (t *socket) awaitAccept(s *mux.Stream) (end ending, ok bool) {
	f, err := s.Next()
	switch {
	case errors.Is(err, context.Canceled):
		return ending{}, false
	case err != nil:
		t.log("WebSocket ended because its new worker has not accepted it", err.Error())
		return ending{websocket.StatusInternalError, ""}, false
	case f.Type == wire.Abort:
		t.log("WebSocket ended by an exception of the app", proc.Printable(string(f.Payload)))
		return ending{websocket.StatusInternalError, ""}, false
	case f.Type != wire.Event: // a response in its place
		return ending{websocket.StatusPolicyViolation, "the app does not accept it"}, false
	}
	e, err := decodeSocketEvent(f.Payload)
	switch {
	case err != nil:
		t.suspect(err)
		return ending{websocket.StatusInternalError, ""}, false
	case e.kind == socketClose:
		return ending{websocket.StatusCode(e.code), e.reason}, false
	case e.kind != socketAccept:
		t.suspect(wire.Errorf("a message before the WebSocket of stream %d was accepted", s.ID))
		return ending{websocket.StatusInternalError, ""}, false
	case e.subprotocol != t.subprotocol:
		t.log("WebSocket ended because the app has chosen another subprotocol", e.subprotocol)
		return ending{websocket.StatusServiceRestart, "another subprotocol"}, false
	}
	return ending{}, true
}

// register lets the WebSocket move or end when its generation or its worker is replaced.
func (t *socket) register(s *mux.Stream) {
	var move func()
	if t.outbox != nil {
		move = t.move
	}
	t.forget = t.call.OnReplaced(move, func() {
		s.Replace()
		time.AfterFunc(closeTime, t.cancel) // a client that takes nothing must not hold anything up
	})
}

// current is the stream to the app.
func (t *socket) current() *mux.Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stream
}

// setCurrent makes s the stream to the app.
func (t *socket) setCurrent(s *mux.Stream) {
	t.mu.Lock()
	t.stream = s
	left := t.left
	t.mu.Unlock()
	if left != nil {
		s.Disconnect(int(left.code), left.reason)
	}
}

// disconnect tells the app how the client's side has ended.
func (t *socket) disconnect(e ending) {
	t.mu.Lock()
	if t.left == nil {
		t.left = &e
	}
	s := t.stream
	t.mu.Unlock()
	s.Disconnect(int(e.code), e.reason)
}

// lostEnding is the end of a WebSocket whose worker was lost because of err.
func (t *socket) lostEnding(err error) ending {
	if t.isMoving() || errors.Is(err, relay.ErrReplaced) {
		return ending{websocket.StatusServiceRestart, relay.ErrReplaced.Error()}
	}
	return ending{websocket.StatusInternalError, ""}
}
