package python

import (
	"fmt"
	"time"
)

// state is where a worker is in its life.
type state uint8

// The states, in the order in which a worker goes through them; some are left out when things go wrong.
const (
	waiting  state = iota // for its turn to be started, after others have failed
	starting              // the process loads the app
	ready                 // takes requests
	retiring              // finishes its requests and takes no more
	stopping              // was told to end, or is being ended
	ended                 // there is no process any more
)

var stateNames = [...]string{"backoff", "starting", "ready", "retiring", "stopping", "ended"}

// String is the word in status and log.
func (s state) String() string { return stateNames[s] }

// life is the state of a worker and the events that change it. Each event reports an error when it cannot happen in
// the state, which is then unchanged. It is guarded by its owner.
type life struct {
	state state
	since time.Time
}

func (l *life) spawned() error { return l.enter(starting, waiting) }
func (l *life) loaded() error  { return l.enter(ready, starting) }
func (l *life) retired() error { return l.enter(retiring, ready) }
func (l *life) stopped() error { return l.enter(stopping, starting, ready, retiring) }
func (l *life) exited() error  { return l.enter(ended, waiting, starting, ready, retiring, stopping) }

func (l *life) enter(next state, from ...state) error {
	for _, s := range from {
		if l.state == s {
			l.state, l.since = next, time.Now()
			return nil
		}
	}
	return fmt.Errorf("cannot go from state %q to %q", l.state, next)
}
