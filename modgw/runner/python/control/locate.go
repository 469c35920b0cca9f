package control

import (
	"sync"

	"github.com/modgw/modgw/modgw/wire"
)

// locating asks a worker where its requests are, one question at a time. Its zero value has asked
// nothing.
type locating struct {
	mu      sync.Mutex
	pending *Location // nil: no answer is to come
}

// Location is an answer that is to come.
type Location struct {
	answered chan struct{}
	places   []wire.Place
}

// Answered returns a channel that closes when the answer is there. It stays open when the
// interpreter of the worker is stuck.
func (l *Location) Answered() <-chan struct{} { return l.answered }

// Places returns the answer, after Answered has closed.
func (l *Location) Places() []wire.Place { return l.places }

// Locate asks the worker where the requests are that it executes. Those who ask before it has
// answered share the answer.
func (w *Worker) Locate() *Location {
	l := &w.locating
	l.mu.Lock()
	asked := l.pending != nil
	if !asked {
		l.pending = &Location{answered: make(chan struct{})}
	}
	pending := l.pending
	l.mu.Unlock()
	if !asked {
		w.Send(wire.Locate, nil)
	}
	return pending
}

// noteLocation passes an answer on.
func (w *Worker) noteLocation(payload []byte) error {
	places, err := wire.DecodePlaces(payload)
	if err != nil {
		return err
	}
	l := &w.locating
	l.mu.Lock()
	pending := l.pending
	l.pending = nil
	l.mu.Unlock()
	if pending == nil {
		return wire.Errorf("places of requests, which it was not asked for")
	}
	pending.places = places
	close(pending.answered)
	return nil
}
