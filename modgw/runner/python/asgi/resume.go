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
	// partingTime is how long a worker may take to hand over a WebSocket, and how long the app may
	// continue to send afterwards, before the next WebSocket has its turn.
	partingTime = 150 * time.Millisecond

	// movedReason is the reason that the app gets.
	movedReason = "the WebSocket goes on with another worker"
)

// moving is the progress of a WebSocket's move to another worker.
type moving uint8

const (
	staying moving = iota
	seeking        // looks for a slot
	asked          // the worker was asked to hand the WebSocket over
)

// move lets the WebSocket move to another worker, in the background.
func (t *socket) move() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.moving = seeking
		t.running.Go(t.leaveWorker)
	}
}

// leaveWorker finds a slot for the WebSocket elsewhere, and has its worker hand it over. Without a
// slot the WebSocket stays until its end.
func (t *socket) leaveWorker() {
	s := t.current()
	ctx := s.Context()
	slot := s.Reserve(ctx, t.call.Info)
	if slot != nil {
		t.outbox.stop()
		if !t.outbox.lock(ctx) {
			slot.Cancel()
			return
		}
	}
	t.mu.Lock()
	t.slot, t.moving = slot, asked
	if slot == nil {
		t.moving = staying
	}
	gone, due := t.gone, t.due
	t.mu.Unlock()
	if slot == nil {
		if due {
			t.replace(s)
		}
		return
	}
	s.AskToMove(int(websocket.StatusServiceRestart), movedReason, due) // 1012
	limit := time.NewTimer(partingTime)
	defer limit.Stop()
	select {
	case <-gone:
	case <-ctx.Done():
	case <-limit.C:
		slot.Yield()
	}
}

// endStay ends the time that the WebSocket may stay with a worker that is replaced. If it is on its
// way to another one it has to hurry.
func (t *socket) endStay(s *mux.Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = true
	switch {
	case t.over:
		return
	case t.moving == staying:
		t.replace(s)
		return
	case t.moving == asked:
		slot := t.slot
		t.running.Go(func() {
			if slot.AwaitTurn(s.Context()) {
				s.AskToMove(int(websocket.StatusServiceRestart), movedReason, true)
			}
		})
	}
	time.AfterFunc(closeTime, func() { // a worker that is stuck must not hold anything up
		if t.current() == s {
			t.replace(s)
		}
	})
}

// replace ends the WebSocket, unless it leaves the stream before.
func (t *socket) replace(s *mux.Stream) {
	s.Replace()
	time.AfterFunc(closeTime, func() { // a client that does not read must not delay anything
		if t.current() == s {
			t.cancel()
		}
	})
}

// noteLeft takes note of how many messages the app has received. The others are for the next one.
func (t *socket) noteLeft(received int) (end ending, moves bool) {
	if !t.isMoving() {
		t.suspect(wire.Errorf("a WebSocket was handed over that stays"))
		return ending{code: websocket.StatusInternalError}, false
	}
	if err := t.outbox.account(received); err != nil {
		t.suspect(err)
		return ending{code: websocket.StatusInternalError}, false
	}
	close(t.gone)
	return ending{}, true
}

// hasLeft reports whether the worker has handed the WebSocket over.
func (t *socket) hasLeft() bool {
	select {
	case <-t.gone:
		return true
	default:
		return false
	}
}

// awaitMove waits until the app has received the client's messages, if another worker is about to
// take over.
func (t *socket) awaitMove(ctx context.Context) {
	if t.outbox != nil && t.outbox.lock(ctx) {
		t.outbox.unlock()
	}
}

// isMoving reports whether the worker was asked to hand the WebSocket over.
func (t *socket) isMoving() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.moving == asked
}

// resume opens the app's side of the WebSocket on the worker that it moves to, and sends it the
// messages that the old app has not received. If that fails, it returns how the WebSocket ends.
func (t *socket) resume(ctx context.Context) (end ending, ok bool) {
	t.forget()
	t.forget = func() {}
	t.leaveStream(ctx)
	slot := t.slot
	if ctx.Err() != nil {
		return ending{}, false
	}
	head := appendWebSocketScope(nil, t.call.R, t.call.Info, &resumed{t.subprotocol})
	if len(head) > request.MaxHead {
		return ending{websocket.StatusServiceRestart, movedReason}, false
	}
	s, err := slot.Open(ctx, t.call.Call, head)
	defer slot.Yield()
	if err != nil {
		return ending{websocket.StatusServiceRestart, movedReason}, false
	}
	t.setCurrent(s)
	if end, ok := t.awaitAccept(s); !ok {
		return end, false
	}
	s.RemoveDeadline()
	t.outbox.begin(ctx, s)
	t.running.Go(func() {
		defer t.outbox.unlock()
		t.outbox.resend()
	})
	t.register(s)
	s.Worker().Log.Debug("WebSocket goes on", "request", t.call.Info.ID)
	return ending{}, true
}

// leaveStream passes on the old app's remaining messages, and lets it return before the new one is
// asked, if it is quick.
func (t *socket) leaveStream(ctx context.Context) {
	old := t.current()
	limit := time.AfterFunc(partingTime, old.Interrupt)
	defer limit.Stop()
	t.readApp(ctx)
	old.Leave()
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
	t.forget = t.call.OnReplaced(move, func() { t.endStay(s) })
}

// current is the stream to the app.
func (t *socket) current() *mux.Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stream
}

// setCurrent makes s, on the worker that the WebSocket has moved to, the stream to the app.
func (t *socket) setCurrent(s *mux.Stream) {
	t.call.stream = s
	t.mu.Lock()
	t.stream, t.slot, t.moving, t.due, t.gone = s, nil, staying, false, make(chan struct{})
	left := t.left
	t.mu.Unlock()
	if left != nil {
		s.Disconnect(int(left.code), left.reason)
	}
}

// disconnect informs the app how the client's side has ended.
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
