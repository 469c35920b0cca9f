package request

import (
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/wire"
)

// Sender sends the frames of one request, and its body within the worker's window. Set it up with
// [Sender.Open].
type Sender struct {
	ID  uint32       // id of the stream; set before anything is sent
	Out *wire.Writer // writes to the connection

	// Buffer is shared memory that the body passes through; nil: it goes in frames.
	Buffer *wire.SharedBuffer

	// Slots are shared memory that long pieces of the body pass through, and use the window as
	// those in frames do; nil: all go in frames.
	Slots *wire.StreamBuffer

	// Credit receives a token after the worker has allowed more of the body.
	Credit chan struct{}

	size   int64        // bytes of body that may be on their way
	window atomic.Int64 // bytes of body that may be sent now
	heard  atomic.Int64 // when the worker last reported its reading, as [monotonic.Now]; 0: never
	feeder *feeder      // sends the body; nil: no feeder does. Used by the reader of the stream
}

// Open lets size bytes of body be on their way to the worker. sent of them are in its Request
// frame.
func (s *Sender) Open(size int64, sent int) {
	s.size = size
	s.window.Store(size - int64(sent))
}

// Window returns how many bytes may be sent now.
func (s *Sender) Window() int64 { return s.window.Load() }

// Use counts bytes that are sent.
func (s *Sender) Use(n int) { s.window.Add(-int64(n)) }

// Grow enlarges the window. payload is the payload of a Window frame.
func (s *Sender) Grow(payload []byte) error {
	n, err := wire.DecodeWindow(payload)
	if err != nil {
		return err
	}
	if s.window.Add(int64(n)) > s.size {
		return wire.Errorf("a Window frame for more than was sent on stream %d", s.ID)
	}
	if s.Slots != nil {
		s.Slots.Reclaim(n)
	}
	s.NoteProgress()
	select {
	case s.Credit <- struct{}{}:
	default:
	}
	return nil
}

// NoteProgress notes that the worker has said how much it has read.
func (s *Sender) NoteProgress() { s.heard.Store(int64(monotonic.Now())) }

// isStarved reports whether the app has read everything that was sent, and since when it may have
// waited for more, as [monotonic.Now].
func (s *Sender) isStarved() (since time.Duration, starved bool) {
	unread := s.Buffer != nil && !s.Buffer.IsRead()
	return time.Duration(s.heard.Load()), !unread && s.window.Load() >= s.size
}

// ClientTime returns how long the app has waited for the client since the last call, which does not
// count as the app's time. It is not 0 while the app waits.
func (s *Sender) ClientTime() time.Duration {
	if s.feeder == nil {
		return 0
	}
	return s.feeder.waited.take()
}

// leastShared is the shortest piece that takes a slot.
const leastShared = 16 << 10

// room returns where to read the next piece of the body to: part of the shared memory, or of
// scratch where there is none. It is empty while the worker allows nothing.
func (s *Sender) room(scratch []byte) []byte {
	if s.Buffer != nil {
		room := s.Buffer.Room()
		return room[:min(len(room), feedSize)]
	}
	most := max(0, s.window.Load())
	if s.Slots != nil {
		if slot := s.Slots.Room(); most >= leastShared && len(slot) > 0 {
			return slot[:min(most, int64(len(slot)))]
		}
		most = max(0, most-(wire.MuxWindow-wire.InitialWindow))
	}
	return scratch[:min(most, int64(len(scratch)))]
}

// SendBody sends a piece of the body, which is in room where memory is shared. A write error
// surfaces on the read side.
func (s *Sender) SendBody(piece []byte, end bool) {
	flags := wire.Flags(0)
	if end {
		flags = wire.FlagEnd
	}
	if s.Buffer != nil && len(piece) > 0 {
		_ = s.Out.Write(func(b []byte) []byte {
			return wire.AppendShared(b, s.ID, flags, s.Buffer.Put(len(piece)), len(piece))
		})
		return
	}
	s.Use(len(piece))
	if s.Slots != nil {
		if len(piece) >= leastShared && s.Slots.Holds(piece) {
			offset := s.Slots.Put(len(piece))
			_ = s.Out.Write(func(b []byte) []byte {
				return wire.AppendShared(b, s.ID, flags, offset, len(piece))
			})
			return
		}
		s.Slots.Skip(len(piece))
	}
	_ = s.Out.WriteLong(wire.Frame{Type: wire.Body, Flags: flags, Stream: s.ID, Payload: piece})
}

// Cancel informs the worker that the response is no longer wanted, and why.
func (s *Sender) Cancel(reason string) {
	s.Send(wire.Frame{Type: wire.Cancel, Payload: []byte(reason)})
}

// Send sends a frame of the stream. A write error surfaces on the read side.
func (s *Sender) Send(f wire.Frame) {
	f.Stream = s.ID
	_ = s.Out.Write(func(b []byte) []byte { return wire.AppendFrame(b, f) })
}
