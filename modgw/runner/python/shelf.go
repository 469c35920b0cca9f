package python

import (
	"os"

	"github.com/modgw/modgw/modgw/wire"
)

// shelve makes the memory that large responses of an ASGI app pass through, and returns it as the worker gets it; nil where
// there is none.
func (w *worker) shelve() *os.File {
	if !w.runner.program.asgi {
		return nil
	}
	area, err := wire.NewArea(wire.ShelfSize)
	if err == nil {
		if w.shared.shelf, err = wire.OpenShelf(area); err == nil {
			w.area = true
			return area
		}
		area.Close()
	}
	w.runner.config.Log.Debug("no memory is shared", "reason", err)
	return nil
}

// hold keeps the memory for a stream until letGo.
func (l *sharedLane) hold() {
	if l.shelf != nil {
		l.shelf.Hold()
	}
}

func (l *sharedLane) letGo() {
	if l.shelf != nil {
		l.shelf.Release()
	}
}

// borrow makes a Lent frame the Body frame that it stands for. What a WebSocket sends is judged, which nothing in the
// area may be.
func (s *sharedStream) borrow(f wire.Frame) (wire.Frame, error) {
	if s.lane.shelf == nil || s.kind != httpStream {
		return f, wire.Errorf("a Lent frame for an area that it does not share")
	}
	s.borrows = true
	piece, err := s.lane.shelf.Borrow(f.Payload)
	f.Type, f.Payload = wire.Body, piece
	return f, err
}

// restore lets the worker use again all that the stream has borrowed, of which nothing is looked at any more.
func (s *sharedStream) restore() {
	s.mu.Lock()
	back := 0
	if s.borrows {
		back = s.received.Rest()
	}
	s.mu.Unlock()
	if back > 0 {
		s.lane.runner.Background(func() { s.allow(back) }) // a worker that reads nothing holds nobody up
	}
}

// allow lets the worker send so much more of the body, and use again what it had lent of it.
func (s *sharedStream) allow(n int) {
	// When it cannot be sent, the worker is gone, which reading the lane tells.
	_ = s.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, s.id, n) })
}
