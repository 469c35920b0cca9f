package python

import (
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/wire"
)

// outflow is what the host sends on a stream, within what the worker allows.
type outflow struct {
	id     uint32
	out    *wire.Writer
	most   int64         // bytes of body that may be sent at first, and never more
	window atomic.Int64  // bytes of body that may be sent
	plot   *wire.Plot    // that the body passes through; nil: none
	credit chan struct{} // has a token after more may be sent
	heard  atomic.Int64  // when the worker has last told how much it has read, by [monotonic.Now]; 0: never
	feeder *feeder       // that sends the body; nil: none. It is for whoever reads the stream
}

// grow adds to what may be sent, as a Window frame says.
func (o *outflow) grow(payload []byte) error {
	n, err := wire.DecodeWindow(payload)
	if err != nil {
		return err
	}
	if o.window.Add(int64(n)) > o.most {
		return wire.Errorf("a Window frame for more than was sent on stream %d", o.id)
	}
	o.heard.Store(int64(monotonic.Now()))
	select {
	case o.credit <- struct{}{}:
	default:
	}
	return nil
}

// isStarved reports whether the app has read all that was sent, and since when it may have waited for more.
func (o *outflow) isStarved() (since time.Duration, starved bool) {
	lent := o.plot != nil && !o.plot.IsRead()
	return time.Duration(o.heard.Load()), !lent && o.window.Load() >= o.most
}

// clientTime is how long the app has waited for the client since clientTime was called last; that is not the app's time. It
// is at least lookAgain while the app still waits.
func (o *outflow) clientTime() time.Duration {
	if o.feeder == nil {
		return 0
	}
	return o.feeder.waited.take()
}

// room is where the next piece of a body can be read to, buffer without a plot; empty while the worker allows none.
func (o *outflow) room(buffer []byte) []byte {
	if o.plot != nil {
		room := o.plot.Room()
		return room[:min(len(room), feedSize)]
	}
	return buffer[:min(max(0, o.window.Load()), int64(len(buffer)))]
}

// send sends a piece of the request's body, which is in room.
func (o *outflow) send(piece []byte, end bool) {
	flags := wire.Flags(0)
	if end {
		flags = wire.FlagEnd
	}
	// When it cannot be sent, the worker is gone, which reading the stream tells.
	if o.plot != nil && len(piece) > 0 {
		_ = o.out.Write(func(b []byte) []byte { return wire.AppendLent(b, o.id, flags, o.plot.Lend(len(piece)), len(piece)) })
		return
	}
	o.window.Add(-int64(len(piece)))
	_ = o.out.WriteLong(wire.Frame{Type: wire.Body, Flags: flags, Stream: o.id, Payload: piece})
}

// cancel tells the worker that the request is over.
func (o *outflow) cancel(reason string) {
	o.write(wire.Frame{Type: wire.Cancel, Payload: []byte(reason)})
}

// write sends a frame. When it cannot be sent, the worker is gone, which reading the stream tells.
func (o *outflow) write(f wire.Frame) {
	f.Stream = o.id
	_ = o.out.Write(func(b []byte) []byte { return wire.AppendFrame(b, f) })
}
