package mux

import (
	"context"

	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// shortMessage is the longest message that goes to a worker in one Event frame. Longer ones go
	// in Body frames before it.
	shortMessage = 64 << 10

	// wrapping is the number of bytes of window that a message in one Event uses in addition to its
	// own: those that marshal adds, and the cost of the Event.
	wrapping = 5 + wire.EventCost

	// abnormalClosure is the code of a WebSocket that ended without one (RFC 6455, 7.4.1).
	abnormalClosure = 1006
)

// Context returns the context of the request.
func (s *Stream) Context() context.Context { return s.ctx }

// Worker returns the worker that has the stream.
func (s *Stream) Worker() *control.Worker { return s.conn.worker }

// SendMessage sends a message of a WebSocket to the app as soon as the app has room for it. It
// reports false when ctx was done before.
func (s *Stream) SendMessage(ctx context.Context, text bool, data []byte) bool {
	defer s.conn.noteSent()
	s.expectAnswer()
	if len(data) <= shortMessage {
		size := len(data) + wrapping
		if !s.awaitRoom(ctx, size) {
			return false
		}
		s.Use(size)
		s.sendEvent(0, func(b []byte) []byte {
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
		s.SendBody(piece, false)
		data = data[len(piece):]
	}
	s.sendEvent(0, func(b []byte) []byte { return wire.AppendBool(b, text) })
	return true
}

// awaitRoom waits until so many bytes may be sent.
func (s *Stream) awaitRoom(ctx context.Context, size int) bool {
	for s.Window() < int64(size) {
		select {
		case <-s.Credit:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// Outstanding returns how many bytes of the window are used by messages that the app has not
// received yet, as far as its worker has said so.
func (s *Stream) Outstanding() int64 { return wire.InitialWindow - s.Window() }

// MessageCost returns the number of bytes of window that a message uses until the app has received
// it.
func MessageCost(size int) int64 {
	if size <= shortMessage {
		size += wrapping
	}
	return int64(size)
}

// AskToMove makes the worker hand over a WebSocket when the app next asks for a message, or at once
// if now is set. The app is informed that the WebSocket has ended, and the worker answers with the
// number of messages that the app has received: the others are for its successor. Until its end, or
// [Stream.Leave], the app can still send, unless now is set.
func (s *Stream) AskToMove(code int, reason string, now bool) {
	next := moveAsked
	if now {
		next = moveForced
	}
	s.mu.Lock()
	wanted := s.progress < closed && !s.told && s.moveStage < next
	s.moveStage = max(s.moveStage, next)
	s.mu.Unlock()
	if wanted {
		s.sendEvent(0, func(b []byte) []byte {
			b = wire.AppendText(wire.AppendInt(wire.AppendTuple(b, 3), int64(code)), reason)
			return wire.AppendBool(b, now)
		})
	}
}

// Disconnect informs the app, once, that its WebSocket has ended.
func (s *Stream) Disconnect(code int, reason string) {
	s.mu.Lock()
	wanted := s.progress < closed && !s.told
	s.told = true
	s.mu.Unlock()
	if wanted {
		s.sendEvent(wire.FlagEnd, func(b []byte) []byte {
			return wire.AppendText(wire.AppendInt(wire.AppendTuple(b, 2), int64(code)), reason)
		})
	}
}

func (s *Stream) sendEvent(flags wire.Flags, add func([]byte) []byte) {
	_ = s.Out.Write(func(b []byte) []byte { // an error surfaces on the read side
		start := len(b)
		return wire.EndFrame(add(wire.BeginFrame(b, wire.Event, flags, s.ID)), start)
	})
}

// Leave drops further frames. The app knows of the end and closes the stream in its own time.
func (s *Stream) Leave() {
	s.Disconnect(abnormalClosure, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demand = nothing
	s.drop()
}
