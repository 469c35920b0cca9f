package workers

import (
	"fmt"
	"slices"
	"time"
)

// State is the state of a worker.
type State uint8

// The states, in the order in which a worker goes through them. Some are left out when things go
// wrong.
const (
	BackingOff State = iota // for its next start, after others have failed
	Starting                // the process loads the app
	Ready                   // it takes requests
	Asleep                  // it is frozen until the app gets a request
	Retiring                // it finishes its requests and takes no more
	Stopping                // it was asked to end, or is being ended
	Ended                   // there is no process any more
)

var stateNames = [...]string{"backoff", "starting", "ready", "asleep", "retiring", "stopping", "ended"}

// String returns the word for the state in status and log.
func (s State) String() string { return stateNames[s] }

// stateMachine is the state of a worker and the events that change it. An event that cannot happen
// in a state is an error, and leaves the state as it is. The owner of the machine guards it.
type stateMachine struct {
	state State
	since time.Time // when the state was entered; zero before the first event
}

// spawned is the event of a process that was started.
func (m *stateMachine) spawned() error { return m.enter(Starting, BackingOff) }

// loaded is the event of a worker that can take requests.
func (m *stateMachine) loaded() error { return m.enter(Ready, Starting) }

// slept is the event of a worker that was frozen.
func (m *stateMachine) slept() error { return m.enter(Asleep, Ready) }

// woken is the event of a worker that runs on.
func (m *stateMachine) woken() error { return m.enter(Ready, Asleep) }

// retired is the event of a worker that gets no more requests.
func (m *stateMachine) retired() error { return m.enter(Retiring, Ready) }

// stopped is the event of a worker that is asked to end.
func (m *stateMachine) stopped() error { return m.enter(Stopping, Ready, Retiring) }

// exited is the event of a process that has ended.
func (m *stateMachine) exited() error {
	return m.enter(Ended, Starting, Ready, Asleep, Retiring, Stopping)
}

func (m *stateMachine) enter(next State, from ...State) error {
	if slices.Contains(from, m.state) {
		m.state, m.since = next, time.Now()
		return nil
	}
	return fmt.Errorf("cannot go from state %q to %q", m.state, next)
}
