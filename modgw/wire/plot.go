package wire

import (
	"os"
	"sync/atomic"
)

// Plot is what one lane has of an area: a half that the worker puts responses in, and one that the host puts requests in.
// Borrow and Return are for whoever reads the lane, Room and Lend for whoever sends a request's body on it, and Regain
// for both.
//
// Nothing is ever decided by what stands in the area, for the worker can change that at any time.
type Plot struct {
	memory    []byte
	responses []byte
	requests  []byte

	borrowed ReceiveWindow // of responses

	next int          // where in requests the next piece goes
	lent atomic.Int64 // bytes of requests
}

// OpenPlot maps the plot of a lane, which is counted from 0.
func OpenPlot(area *os.File, lane int) (*Plot, error) {
	memory, err := share(area, lane*PlotSize, PlotSize)
	if err != nil {
		return nil, err
	}
	return &Plot{
		memory:    memory,
		responses: memory[:AreaWindow:AreaWindow],
		requests:  memory[AreaWindow:],
		borrowed:  ReceiveWindow{Size: AreaWindow},
	}, nil
}

// Close unmaps the plot, which nobody uses any more, nor anything that it returned.
func (p *Plot) Close() { unshare(p.memory) }

// Borrow is the piece of a response that the payload of a Lent frame names.
func (p *Plot) Borrow(payload []byte) ([]byte, error) {
	piece, err := lent(p.responses, payload)
	if err != nil {
		return nil, err
	}
	if err := p.borrowed.Received(len(piece)); err != nil {
		return nil, err
	}
	return piece, nil
}

// Return counts n borrowed bytes that are not looked at any more, and returns how many to tell the worker of now.
func (p *Plot) Return(n int) int { return p.borrowed.Consumed(n) }

// Room is where the next piece of a request can be put; empty while the worker has not read enough of those before it.
func (p *Plot) Room() []byte {
	free := AreaWindow - int(p.lent.Load())
	return p.requests[p.next:min(p.next+free, AreaWindow)]
}

// IsRead reports whether the worker has read all that was lent to it.
func (p *Plot) IsRead() bool { return p.lent.Load() == 0 }

// Lend counts n bytes of Room as lent, and returns at which offset they are.
func (p *Plot) Lend(n int) (offset int) {
	offset = p.next
	p.lent.Add(int64(n))
	p.next = (p.next + n) % AreaWindow
	return offset
}

// Regain takes the bytes back that the payload of a Window frame counts.
func (p *Plot) Regain(payload []byte) error {
	n, err := DecodeWindow(payload)
	if err == nil && p.lent.Add(-int64(n)) < 0 {
		err = Errorf("a Window frame for more than was lent")
	}
	return err
}
