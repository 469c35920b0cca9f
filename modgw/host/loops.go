package host

import (
	"sync"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
)

// processorsPerLoop is the number of processors that are busy when one loop is: a page of a
// framework takes the app's processes some ten times as long as the loop.
const processorsPerLoop = 4

// LoopsFor returns how many loops serve so many processors.
func LoopsFor(processors int) int { return max(1, processors/processorsPerLoop) }

// loops are the event loops of a host. Each app is served on one of them, so that no lock lies on a
// request's way to the app's workers; a connection goes to the loop of the app that it asks for.
// The zero value has none.
type loops struct {
	all []*eventloop.Loop

	mu    sync.Mutex
	next  int // index of the loop for the next app
	byApp map[modgw.AppName]*eventloop.Loop
}

// open makes n loops, and one at least. After an error there may be fewer of them.
func (l *loops) open(n int, naps bool) error {
	l.byApp = map[modgw.AppName]*eventloop.Loop{}
	for range max(1, n) {
		loop, err := eventloop.New()
		if err != nil {
			return err
		}
		if naps {
			loop.TakeNaps()
		}
		l.all = append(l.all, loop)
	}
	return nil
}

// close ends the loops.
func (l *loops) close() {
	for _, loop := range l.all {
		loop.Close()
	}
}

// of returns the loop of an app, which stays the same; nil: there is no loop. Apps get the loops in
// turn.
func (l *loops) of(name modgw.AppName) *eventloop.Loop {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return nil
	}
	loop, ok := l.byApp[name]
	if !ok {
		loop = l.all[l.next]
		l.byApp[name], l.next = loop, (l.next+1)%len(l.all)
	}
	return loop
}

// forget forgets an app that is gone.
func (l *loops) forget(name modgw.AppName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byApp, name)
}
