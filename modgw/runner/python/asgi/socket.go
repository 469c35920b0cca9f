package asgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// socket is an open WebSocket between a client and its app.
type socket struct {
	call   *call
	conn   *websocket.Conn
	cancel context.CancelFunc // ends the stream's context

	subprotocol string  // chosen by the app; "": none
	outbox      *outbox // sends the client's messages; nil for a WebSocket that cannot move
	forget      func()  // takes the registration for the end of generation and worker back

	long    []byte // the part that has come of a long message of the app
	signs   signs
	pings   pings                  // for the reader of conn alone
	given   atomic.Pointer[ending] // nil as long as the host has no reason to end it
	running sync.WaitGroup         // goroutines that serve waits for

	mu     sync.Mutex
	stream *mux.Stream // to the app
	left   *ending     // how the client's side has ended; nil: it is there
	slot   *mux.Slot   // slot that the WebSocket is about to move to; nil: it stays
	moving moving
	gone   chan struct{} // closes when the worker has handed the WebSocket over
	due    bool          // its time with the worker is over
	over   bool          // no goroutine may begin any more
}

// serve passes messages on in both directions until one side closes.
func (t *socket) serve() {
	ctx := t.stream.Context()
	t.register(t.stream)
	t.running.Go(func() {
		defer t.cancel()
		t.readClient(ctx)
	})
	t.running.Go(func() { t.watch(ctx) })
	t.close(t.readApps(ctx))
	t.forget()
	t.cancel()
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.running.Wait()
	if t.slot != nil {
		t.slot.Cancel()
	}
}

// readClient passes the client's messages on to the app, and at last how they ended.
func (t *socket) readClient(ctx context.Context) {
	for {
		kind, data, err := t.read(ctx)
		switch {
		case err != nil && brokeFraming(err):
			// The library does not answer every mistake.
			t.endForClient(ending{websocket.StatusProtocolError, "a frame breaks the rules"})
			return
		case err != nil:
			t.awaitMove(ctx)
			t.disconnect(closedBy(err))
			return
		case kind == websocket.MessageText && !utf8.Valid(data):
			t.endForClient(ending{websocket.StatusInvalidFramePayloadData, "a text message is not UTF-8"})
			return
		case !t.pass(ctx, kind == websocket.MessageText, data):
			return
		}
	}
}

// read reads a message of the client.
func (t *socket) read(ctx context.Context) (kind websocket.MessageType, data []byte, err error) {
	kind, r, err := t.conn.Reader(ctx)
	if err == nil {
		data, err = io.ReadAll(t.signs.from(r))
	}
	return kind, data, err
}

// pass passes a message of the client on to the app when it takes it.
func (t *socket) pass(ctx context.Context, text bool, data []byte) bool {
	t.signs.waiting.Store(true)
	defer t.signs.waiting.Store(false)
	if t.outbox != nil {
		return t.outbox.pass(ctx, text, data)
	}
	return t.stream.SendMessage(ctx, text, data)
}

// write writes a message of the app.
func (t *socket) write(ctx context.Context, text bool, data []byte) error {
	t.signs.sending.Store(true)
	defer t.signs.sending.Store(false)
	return t.conn.Write(ctx, messageType(text), data)
}

// brokeFraming reports whether it was the client's frames that ended reading, and not the end of
// the connection.
func brokeFraming(err error) bool {
	if _, closed := errors.AsType[websocket.CloseError](err); closed {
		return false
	}
	if _, broken := errors.AsType[net.Error](err); broken {
		return false
	}
	for _, other := range []error{
		websocket.ErrMessageTooBig, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

// closedBy returns how a client has ended a WebSocket.
func closedBy(err error) ending {
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return ending{e.Code, e.Reason}
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return ending{code: websocket.StatusMessageTooBig}
	}
	return ending{code: websocket.StatusAbnormalClosure}
}

// readApps passes the messages of the app on to the client, from one worker after the other, until
// the app closes, and returns how. The code is 0 when the client has closed.
func (t *socket) readApps(ctx context.Context) ending {
	for {
		end, moves := t.readApp(ctx)
		if moves {
			end, moves = t.resume(ctx)
		}
		if !moves {
			return end
		}
	}
}

// readApp passes the app's messages on to the client until the worker has handed the WebSocket
// over, or the app closes, and returns how. The code is 0 when the client has closed.
func (t *socket) readApp(ctx context.Context) (end ending, moves bool) {
	failed := ending{code: websocket.StatusInternalError}
	s := t.current()
	for {
		f, err := s.Next()
		switch {
		case errors.Is(err, relay.ErrReplaced):
			s.Disconnect(int(websocket.StatusServiceRestart), "")
			return t.lostEnding(err), false
		case errors.Is(err, context.Canceled):
			return ending{}, false
		case err != nil:
			return t.lostEnding(err), false
		}
		switch f.Type {
		case wire.Body:
			if t.long = append(t.long, f.Payload...); len(t.long) > maxMessage {
				t.suspect(wire.Errorf("a message of more than %d bytes", maxMessage))
				return failed, false
			}
		case wire.Event:
			done, err := t.deliver(ctx, f)
			if err != nil {
				return ending{}, false
			}
			if done != nil && done.kind == socketReceived {
				return t.noteLeft(done.received)
			}
			if done != nil {
				return ending{websocket.StatusCode(done.code), done.reason}, false
			}
		case wire.Abort:
			if !t.hasLeft() {
				t.log("WebSocket ended by an exception of the app", proc.Printable(string(f.Payload)))
			}
			return failed, false
		default:
			t.suspect(wire.Errorf("a %s frame on an open WebSocket", f.Type))
			return failed, false
		}
		_ = s.Release(response.Cost(f)) // it has no error
	}
}

// deliver carries out an event of the app. It returns the event if it ends the app's side of the
// WebSocket.
func (t *socket) deliver(ctx context.Context, f wire.Frame) (end *socketEvent, err error) {
	e, err := decodeSocketEvent(f.Payload)
	if err != nil {
		t.suspect(err)
		return &socketEvent{code: int(websocket.StatusInternalError)}, nil
	}
	switch e.kind {
	case socketText, socketBinary:
		return nil, t.write(ctx, e.kind == socketText, []byte(e.data))
	case socketTextEnd, socketBinaryEnd:
		message := t.long
		t.long = nil
		return nil, t.write(ctx, e.kind == socketTextEnd, message)
	case socketClose, socketReceived:
		return &e, nil
	}
	t.suspect(wire.Errorf("a second acceptance on stream %d", t.current().ID))
	return &socketEvent{code: int(websocket.StatusInternalError)}, nil
}

// close ends the WebSocket for the client, if it has not ended it itself, and for the app.
func (t *socket) close(end ending) {
	defer t.current().Leave()
	if given := t.given.Load(); given != nil {
		end = *given
	}
	if end.code == 0 {
		_ = t.conn.CloseNow()
		return
	}
	if !mayClose(int(end.code)) {
		t.log("WebSocket closed with a code that cannot be sent", fmt.Sprint(int(end.code)))
		end.code = websocket.StatusInternalError
	}
	// It fails when the client has already gone.
	_ = t.conn.Close(end.code, closeReason(end.reason))
}

// ending is the code and the reason of a WebSocket's end. A code of 0 means that the client has
// gone.
type ending struct {
	code   websocket.StatusCode
	reason string
}

// endForClient ends the WebSocket because of the client. The app may close it as well; this call
// takes precedence.
func (t *socket) endForClient(e ending) {
	t.given.Store(&e)
	t.disconnect(ending{code: e.code})
	_ = t.conn.Close(e.code, e.reason)
}

// suspect ends a worker that broke a rule of the protocol. Mistakes of an app do not, and are
// logged.
func (t *socket) suspect(err error) {
	if _, broke := errors.AsType[*wire.ProtocolError](err); broke {
		t.current().Worker().Suspect(err)
		return
	}
	t.log("WebSocket ended by a mistake of the app", err.Error())
}

func (t *socket) log(what, reason string) {
	t.current().Worker().Log.Warn(what, "request", t.call.Info.ID, "path", proc.Printable(t.call.Info.Path), "reason", reason)
}

func messageType(text bool) websocket.MessageType {
	if text {
		return websocket.MessageText
	}
	return websocket.MessageBinary
}
