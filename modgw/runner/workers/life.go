package workers

import (
	"fmt"
	"time"
)

// State is where a worker is in its life.
type State uint8

// The states, in the order in which a worker goes through them; some are left out when things go wrong.
const (
	Waiting  State = iota // for its turn to be started, after others have failed
	Starting              // the process loads the app
	Ready                 // takes requests
	Retiring              // finishes its requests and takes no more
	Stopping              // was told to end, or is being ended
	Ended                 // there is no process any more
)

var stateNames = [...]string{"backoff", "starting", "ready", "retiring", "stopping", "ended"}

// String is the word in status and log.
func (s State) String() string { return stateNames[s] }

// Life is the state of a worker and the events that change it. Each event reports an error when it cannot happen in
// the state, which is then unchanged. It is guarded by its owner.
type Life struct {
	State State
	Since time.Time
}

// Spawned is the event of a process that was started.
func (l *Life) Spawned() error { return l.enter(Starting, Waiting) }

// Loaded is the event of a worker that can take requests.
func (l *Life) Loaded() error { return l.enter(Ready, Starting) }

// Retired is the event of a worker that gets no more requests.
func (l *Life) Retired() error { return l.enter(Retiring, Ready) }

// Stopped is the event of a worker that is told to end.
func (l *Life) Stopped() error { return l.enter(Stopping, Starting, Ready, Retiring) }

// Exited is the event of a process that has ended.
func (l *Life) Exited() error { return l.enter(Ended, Waiting, Starting, Ready, Retiring, Stopping) }

func (l *Life) enter(next State, from ...State) error {
	for _, s := range from {
		if l.State == s {
			l.State, l.Since = next, time.Now()
			return nil
		}
	}
	return fmt.Errorf("cannot go from state %q to %q", l.State, next)
}
