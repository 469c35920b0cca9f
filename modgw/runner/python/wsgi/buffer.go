package wsgi

import (
	"log/slog"
	"os"

	"github.com/modgw/modgw/modgw/wire"
)

// shareBuffer makes the memory that large bodies pass through, and returns it as the worker gets
// it. nil: there is none, and the bodies go in frames.
func (w *Worker) shareBuffer(log *slog.Logger) *os.File {
	area, err := wire.NewArea(len(w.Conns) * wire.PlotSize)
	if err == nil {
		err = w.openBuffers(area)
	}
	if err != nil {
		log.Debug("no memory is shared", "reason", err)
		w.closeBuffers()
		return nil
	}
	return area
}

// openBuffers gives each connection its part of the memory. After an error, area is closed.
func (w *Worker) openBuffers(area *os.File) (err error) {
	for _, c := range w.Conns {
		if c.buffer, err = wire.OpenPlot(area, c.number); err != nil {
			area.Close()
			return err
		}
	}
	return nil
}

// closeBuffers is called before the first request.
func (w *Worker) closeBuffers() {
	for _, c := range w.Conns {
		c.closeBuffer()
	}
}

func (c *Conn) closeBuffer() {
	if c.buffer != nil {
		c.buffer.Close()
		c.buffer = nil
	}
}

// releaseBody takes back the memory of what the worker has read of a request's body.
func (c *Conn) releaseBody(payload []byte) error {
	if c.buffer == nil {
		return wire.Errorf("a Window frame for an area that it does not share")
	}
	if err := c.buffer.Regain(payload); err != nil {
		return err
	}
	select {
	case c.credit <- struct{}{}:
	default:
	}
	return nil
}

// acquirePiece makes a Lent frame the Body frame that it stands for. Its payload belongs to the
// stream until releasePiece.
func (s *stream) acquirePiece(f wire.Frame) (wire.Frame, error) {
	if s.Buffer == nil {
		return f, wire.Errorf("a Lent frame for an area that it does not share")
	}
	piece, err := s.Buffer.Borrow(f.Payload)
	f.Type, f.Payload = wire.Body, piece
	s.acquired = len(piece)
	return f, err
}

// releasePiece lets the worker use the memory of the acquired piece again.
func (s *stream) releasePiece() {
	if s.acquired == 0 {
		return
	}
	back := s.Buffer.Return(s.acquired)
	s.acquired = 0
	if back > 0 {
		// A write error surfaces on the read side.
		_ = s.conn.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, 0, back) })
	}
}
