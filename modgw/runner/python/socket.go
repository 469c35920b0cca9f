package python

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/wire"
)

// shortMessage is the longest message that goes to a worker in one Event; longer ones go in pieces.
const shortMessage = 64 << 10

// wrapping is what a message in one Event uses of the window beside its bytes: what marshal adds, and the Event itself.
const wrapping = 5 + wire.EventCost

// socket is an open WebSocket between a client and its app.
type socket struct {
	call   *call
	stream *sharedStream
	conn   *websocket.Conn
	cancel context.CancelFunc // ends the stream's context

	long    []byte // what has come of a long message of the app
	signs   signs
	lag     lagWatch
	pings   pings                  // for the reader of conn alone
	given   atomic.Pointer[ending] // nil as long as the host has no reason to end it
	running sync.WaitGroup         // what goes on beside serve
}

// serve passes messages on in both directions until one side closes.
func (t *socket) serve() {
	s, ctx := t.stream, t.stream.ctx
	forget := t.call.OnReplaced(func() {
		s.replace()
		time.AfterFunc(closeTime, t.cancel) // a client that takes nothing must not hold anything up
	})
	t.running.Go(func() {
		defer t.cancel()
		t.listen(ctx)
	})
	t.running.Go(func() { t.watch(ctx) })
	t.close(t.speak(ctx))
	forget()
	t.cancel()
	t.running.Wait()
	t.lag.stop()
}

// listen passes the client's messages on to the app, and at last how they ended.
func (t *socket) listen(ctx context.Context) {
	for {
		kind, data, err := t.read(ctx)
		switch {
		case err != nil && brokeFraming(err):
			t.give(ending{websocket.StatusProtocolError, "a frame breaks the rules"}) // not every mistake is answered by the library
			return
		case err != nil:
			t.stream.disconnect(closedBy(err))
			return
		case kind == websocket.MessageText && !utf8.Valid(data):
			t.give(ending{websocket.StatusInvalidFramePayloadData, "a text message is not UTF-8"})
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
	t.lag.began()
	t.signs.waiting.Store(true)
	defer t.signs.waiting.Store(false)
	return t.stream.message(ctx, text, data)
}

// write writes a message of the app.
func (t *socket) write(ctx context.Context, text bool, data []byte) error {
	t.signs.sending.Store(true)
	defer t.signs.sending.Store(false)
	return t.conn.Write(ctx, messageType(text), data)
}

// brokeFraming reports whether it was the client's frames that ended reading, and not the end of the connection.
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

// closedBy is how a client has ended a WebSocket.
func closedBy(err error) (code int, reason string) {
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return int(e.Code), e.Reason
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return int(websocket.StatusMessageTooBig), ""
	}
	return int(websocket.StatusAbnormalClosure), ""
}

// speak passes the app's messages on to the client until the app closes, and returns how. The code is 0 when the client
// has closed.
func (t *socket) speak(ctx context.Context) (code int, reason string) {
	s := t.stream
	for {
		f, err := s.next()
		switch {
		case errors.Is(err, errReplaced):
			s.disconnect(int(websocket.StatusServiceRestart), "")
			return int(websocket.StatusServiceRestart), errReplaced.Error()
		case errors.Is(err, context.Canceled):
			return 0, ""
		case err != nil:
			return int(websocket.StatusInternalError), ""
		}
		t.lag.stop()
		switch f.Type {
		case wire.Body:
			if t.long = append(t.long, f.Payload...); len(t.long) > maxMessage {
				t.suspect(wire.Errorf("a message of more than %d bytes", maxMessage))
				return int(websocket.StatusInternalError), ""
			}
		case wire.Event:
			done, err := t.say(ctx, f)
			if err != nil {
				return 0, ""
			}
			if done != nil {
				return done.code, done.reason
			}
		case wire.Abort:
			t.log("WebSocket ended by an exception of the app", proc.Printable(string(f.Payload)))
			return int(websocket.StatusInternalError), ""
		default:
			t.suspect(wire.Errorf("a %s frame on an open WebSocket", f.Type))
			return int(websocket.StatusInternalError), ""
		}
		_ = s.consumed(cost(f)) // it has no error
	}
}

// say does what one event of the app asks for. It returns the event when that closes the WebSocket.
func (t *socket) say(ctx context.Context, f wire.Frame) (end *socketEvent, err error) {
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
	case socketClose:
		return &e, nil
	}
	t.suspect(wire.Errorf("a second acceptance on stream %d", t.stream.id))
	return &socketEvent{code: int(websocket.StatusInternalError)}, nil
}

// close ends the WebSocket for the client, if it has not ended it itself, and for the app.
func (t *socket) close(code int, reason string) {
	if given := t.given.Load(); given != nil {
		code, reason = int(given.code), given.reason
	}
	if code == 0 {
		_ = t.conn.CloseNow()
		t.stream.leave()
		return
	}
	if !mayClose(code) {
		t.log("WebSocket closed with a code that cannot be sent", fmt.Sprint(code))
		code = int(websocket.StatusInternalError)
	}
	// The client may be gone already; then there is nobody to tell.
	_ = t.conn.Close(websocket.StatusCode(code), closeReason(reason))
	t.stream.leave()
}

// ending is how the host ends a WebSocket for what its client does.
type ending struct {
	code   websocket.StatusCode
	reason string
}

// give ends the WebSocket for what the client does. An app that was told of it may close as well; this is what counts.
func (t *socket) give(e ending) {
	t.given.Store(&e)
	t.stream.disconnect(int(e.code), "")
	_ = t.conn.Close(e.code, e.reason)
}

// suspect ends a worker that broke a rule. What an app does wrong is no such rule, and is logged.
func (t *socket) suspect(err error) {
	if _, broke := errors.AsType[*wire.ProtocolError](err); broke {
		t.call.runner.suspect(t.stream.lane.worker, err)
		return
	}
	t.log("WebSocket ended by a mistake of the app", err.Error())
}

func (t *socket) log(what, reason string) {
	t.stream.lane.worker.Log.Warn(what, "request", t.call.Info.ID, "path", proc.Printable(t.call.Info.Path), "reason", reason)
}

func messageType(text bool) websocket.MessageType {
	if text {
		return websocket.MessageText
	}
	return websocket.MessageBinary
}

// message sends a message to the app when it has room for it. It reports false when ctx is done before.
func (s *sharedStream) message(ctx context.Context, text bool, data []byte) bool {
	defer s.lane.sent()
	if len(data) <= shortMessage {
		size := len(data) + wrapping
		if !s.awaitRoom(ctx, size) {
			return false
		}
		s.window.Add(-int64(size))
		s.event(0, func(b []byte) []byte {
			if text {
				return wire.AppendText(b, string(data))
			}
			return wire.AppendBytes(b, data)
		})
		return true
	}
	for len(data) > 0 {
		piece := data[:min(len(data), shortMessage)]
		if !s.awaitRoom(ctx, len(piece)) {
			return false
		}
		s.send(piece, false)
		data = data[len(piece):]
	}
	s.event(0, func(b []byte) []byte { return wire.AppendBool(b, text) })
	return true
}

// awaitRoom waits until so many bytes may be sent.
func (s *sharedStream) awaitRoom(ctx context.Context, size int) bool {
	for s.window.Load() < int64(size) {
		select {
		case <-s.credit:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// disconnect tells the app that its WebSocket has ended.
func (s *sharedStream) disconnect(code int, reason string) {
	s.mu.Lock()
	closed, told := s.closed, s.told
	s.told = true
	s.mu.Unlock()
	if !closed && !told {
		s.event(wire.FlagEnd, func(b []byte) []byte {
			return wire.AppendText(wire.AppendInt(wire.AppendTuple(b, 2), int64(code)), reason)
		})
	}
}

func (s *sharedStream) event(flags wire.Flags, add func([]byte) []byte) {
	_ = s.out.Write(func(b []byte) []byte { // as in outflow.write
		start := len(b)
		return wire.EndFrame(add(wire.BeginFrame(b, wire.Event, flags, s.id)), start)
	})
}

// leave says that nobody takes any more what comes. An app that was told of the end closes the stream in its own time.
func (s *sharedStream) leave() {
	s.disconnect(int(websocket.StatusAbnormalClosure), "")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned = true
	s.drop()
}
