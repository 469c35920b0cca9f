package attach

import (
	"fmt"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// place is for the one process that is attached.
type place struct {
	mu    sync.Mutex
	taken bool
	pid   int       // the process that has the place; 0: its id is not known
	since time.Time // when the place became free, or could first be taken
}

// take gives the place to a process if it is free.
func (p *place) take(pid int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken {
		return fmt.Errorf("cannot attach a second worker: process %d is attached already", p.pid)
	}
	p.taken, p.pid = true, pid
	return nil
}

// vacate makes the place free.
func (p *place) vacate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken, p.since = false, time.Now()
}

// status returns the status of the attached process, or that there is none.
func (p *place) status(known []modgw.WorkerStatus) modgw.WorkerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.taken {
		return modgw.WorkerStatus{Number: 1, State: modgw.StateAwaited, Since: p.since}
	}
	if len(known) == 0 { // the pool does not know the process yet, or no longer
		return modgw.WorkerStatus{Number: 1, PID: p.pid, State: workers.Starting.String(), Since: p.since}
	}
	status := known[len(known)-1]
	if status.State == workers.Ready.String() {
		status.State = modgw.StateAttached
	}
	return status
}
