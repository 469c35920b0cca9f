package control

import (
	"sync"

	"github.com/modgw/modgw/modgw/wire"
)

// locating asks a worker where its requests are. Its zero value has asked nothing.
type locating struct {
	mu      sync.Mutex
	pending []*Location // their answers come in this order
}

// mostLocating is how many answers may be to come. The questions always have room on the
// connection.
const mostLocating = 32

// Location is an answer that is to come.
type Location struct {
	stack    string // as in [modgw.Locator]
	answered chan struct{}
	places   []wire.Place
}

// Answered returns a channel that closes when the answer is there. It stays open when the
// interpreter of the worker is stuck.
func (l *Location) Answered() <-chan struct{} { return l.answered }

// Places returns the answer, after Answered has closed.
func (l *Location) Places() []wire.Place { return l.places }

// Locate asks the worker where the requests are that it executes, and for the stack of one of them.
// Those who ask the same before it has answered share the answer. None comes when too many are to
// come already.
func (w *Worker) Locate(stack string) *Location {
	l := &w.locating
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pending := range l.pending {
		if pending.stack == stack {
			return pending
		}
	}
	asked := &Location{stack: stack, answered: make(chan struct{})}
	if len(l.pending) < mostLocating {
		l.pending = append(l.pending, asked)
		w.Send(wire.Locate, []byte(stack))
	}
	return asked
}

// noteLocation passes an answer on.
func (w *Worker) noteLocation(payload []byte) error {
	places, err := wire.DecodePlaces(payload)
	if err != nil {
		return err
	}
	l := &w.locating
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 {
		return wire.Errorf("places of requests, which it was not asked for")
	}
	pending := l.pending[0]
	l.pending = l.pending[1:]
	pending.places = places
	close(pending.answered)
	return nil
}
