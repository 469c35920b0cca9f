package python

import (
	"os"

	"github.com/modgw/modgw/modgw/wire"
)

// share makes the memory that large bodies pass through, and returns it as the worker gets it. Where there is none,
// they go through the lanes like all others.
func (w *worker) share() *os.File {
	area, err := wire.NewArea(len(w.lanes) * wire.PlotSize)
	if err == nil {
		err = w.openPlots(area)
	}
	if err != nil {
		w.runner.config.Log.Debug("no memory is shared", "reason", err)
		w.unshare()
		return nil
	}
	w.area = true
	return area
}

// openPlots gives each lane its plot; after an error, area is closed.
func (w *worker) openPlots(area *os.File) (err error) {
	for _, l := range w.lanes {
		if l.plot, err = wire.OpenPlot(area, l.number); err != nil {
			area.Close()
			return err
		}
	}
	return nil
}

// unshare takes the lanes' plots away. Nothing was asked on them.
func (w *worker) unshare() {
	w.area = false
	for _, l := range w.lanes {
		l.unshare()
	}
}

func (l *lane) unshare() {
	if l.plot != nil {
		l.plot.Close()
		l.plot = nil
	}
}

// regain takes back what the worker has read of a request's body.
func (l *lane) regain(payload []byte) error {
	if l.plot == nil {
		return wire.Errorf("a Window frame for an area that it does not share")
	}
	if err := l.plot.Regain(payload); err != nil {
		return err
	}
	select {
	case l.credit <- struct{}{}:
	default:
	}
	return nil
}

// borrow makes a Lent frame the Body frame that it stands for. What it has is the stream's until restore.
func (s *stream) borrow(f wire.Frame) (wire.Frame, error) {
	if s.plot == nil {
		return f, wire.Errorf("a Lent frame for an area that it does not share")
	}
	piece, err := s.plot.Borrow(f.Payload)
	f.Type, f.Payload = wire.Body, piece
	s.borrowed = len(piece)
	return f, err
}

// restore lets the worker use again what was borrowed.
func (s *stream) restore() {
	if s.borrowed == 0 {
		return
	}
	back := s.plot.Return(s.borrowed)
	s.borrowed = 0
	if back > 0 {
		// When it cannot be sent, the worker is gone, which reading the stream tells.
		_ = s.lane.out.Write(func(b []byte) []byte { return wire.AppendWindow(b, 0, back) })
	}
}
