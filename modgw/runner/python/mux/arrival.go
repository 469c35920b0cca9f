package mux

import (
	"context"
	"os"

	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// arrival is a frame that has come. A body that comes in many frames becomes one.
type arrival struct {
	wire.Frame
	file     *os.File // the file of a File frame; nil: there is none
	inBuffer bool     // the payload is in shared memory
}

// receive stores a frame. It reports whether the worker has closed the stream with it.
func (s *Stream) receive(f wire.Frame, file *os.File) (end bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Type == wire.Window {
		return false, s.Grow(f.Payload)
	}
	inBuffer := f.Type == wire.Shared
	if inBuffer {
		if f, err = s.acquireBody(f); err != nil {
			return false, err
		}
	}
	if err := s.check(f, inBuffer); err != nil {
		closeFile(file)
		return false, err
	}
	end = f.End() || f.Type == wire.Abort
	if end {
		s.progress = closed
	}
	switch {
	case s.demand == nothing:
		closeFile(file)
		s.allowUnwanted(response.Cost(f))
	case inBuffer:
		s.arrived = append(s.arrived, arrival{Frame: f, inBuffer: true})
		s.notify()
	default:
		s.store(f, file)
		s.notify()
	}
	return end, nil
}

// check checks that a frame, whose payload may be in shared memory, may come now; s.mu is held.
func (s *Stream) check(f wire.Frame, inBuffer bool) error {
	switch f.Type {
	case wire.Response:
		if s.progress >= headed {
			return wire.Errorf("a second Response on stream %d", s.ID)
		}
		s.progress = headed
		return nil // Split counts the body that is in it
	case wire.Body:
		if s.progress < headed {
			return wire.Errorf("a Body frame before Response on stream %d", s.ID)
		}
		if inBuffer {
			return s.received.ReceivedWithin(len(f.Payload), wire.MuxWindow)
		}
		return s.received.Received(len(f.Payload))
	case wire.Event:
		if len(f.Payload) == 0 {
			return wire.Errorf("an empty Event on stream %d", s.ID)
		}
		accepts := s.kind == WebSocket && s.progress < headed
		if accepts {
			s.progress = headed
		}
		if accepts || f.End() {
			return nil // there is one of each
		}
		if s.moveStage.isAwaited() && wire.IsInt(f.Payload) {
			s.moveStage = moveAnswered
			return nil
		}
		return s.received.Received(response.Cost(f))
	case wire.File:
		if s.progress < headed || !f.End() || s.kind != HTTP {
			return wire.Errorf("a File frame before Response, or without the end, on stream %d", s.ID)
		}
		return nil
	case wire.Abort:
		return nil
	}
	return wire.Errorf("a %s frame on a connection for requests", f.Type)
}

// store copies a frame, whose payload is valid until the next read; s.mu is held.
func (s *Stream) store(f wire.Frame, file *os.File) {
	if n := len(s.arrived); n > 0 && f.Type == wire.Body {
		if last := &s.arrived[n-1]; last.Type == wire.Body && !last.inBuffer {
			last.Payload = append(last.Payload, f.Payload...)
			last.Flags |= f.Flags
			return
		}
	}
	f.Payload = append([]byte(nil), f.Payload...)
	s.arrived = append(s.arrived, arrival{Frame: f, file: file})
}

// Buffered implements [response.Source].
func (s *Stream) Buffered() (f wire.Frame, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.demand == replaced:
		return f, false, relay.ErrReplaced
	case s.demand == interrupted:
		return f, false, context.Canceled
	case len(s.arrived) == 0:
		return f, false, s.err
	case s.arrived[0].Type == wire.File:
		return s.arrived[0].Frame, true, nil // File removes it
	}
	f = s.arrived[0].Frame
	s.arrived[0] = arrival{}
	s.arrived = s.arrived[1:]
	return f, true, nil
}

// File implements [response.Source].
func (s *Stream) File() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.arrived[0].file
	s.arrived = nil
	return file, nil
}

// Split implements [response.Source].
func (s *Stream) Split(f wire.Frame) (head, body []byte, err error) {
	head, body, err = wire.SplitHead(f.Payload)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		window := wire.InitialWindow
		if s.inBuffer {
			window = wire.MuxWindow // the bytes after it were counted before
		}
		err = s.received.ReceivedWithin(len(body), window)
	}
	return head, body, err
}

// drop drops the stored frames; s.mu is held.
func (s *Stream) drop() {
	used := 0
	for _, a := range s.arrived {
		closeFile(a.file)
		used += response.Cost(a.Frame)
	}
	s.arrived = nil
	s.allowUnwanted(used)
}

func closeFile(file *os.File) {
	if file != nil {
		// It was only read.
		_ = file.Close()
	}
}
