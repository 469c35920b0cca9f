package workers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Freezer stops all processes of a pool and lets them go on.
type Freezer interface {
	// FreezerVersion is the version of control groups that does it; 0: it cannot be done.
	FreezerVersion() int

	// Freeze stops them. When it fails, or ctx ends first, they go on.
	Freeze(ctx context.Context) error

	// Thaw lets them go on.
	Thaw() error

	// PageOutMeans returns the mechanism that frees their memory: "memory.reclaim", "madvise" or
	// "none".
	PageOutMeans() string

	// PageOut gives it back, until ctx ends.
	PageOut(ctx context.Context)
}

// Collector is a [Driver] whose process can collect garbage.
type Collector interface {
	// Collect returns when the process has collected garbage, or ctx ends.
	Collect(ctx context.Context)
}

// collectTime is how long processes may take to collect garbage before they are frozen.
const collectTime = 3 * time.Second

// Sleep implements [modgw.Sleeper].
func (p *Pool) Sleep(ctx context.Context) error {
	if err := p.fallAsleep(); err != nil {
		return err
	}
	p.collect(ctx)
	if err := p.freezer().Freeze(ctx); err != nil {
		return p.stayAwake(fmt.Errorf("cannot freeze the processes: %w", err))
	}
	for _, w := range p.tracked() {
		w.event((*stateMachine).slept)
	}
	p.freezer().PageOut(ctx)
	if err := ctx.Err(); err != nil {
		return p.stayAwake(err)
	}
	return nil
}

// stayAwake wakes the pool, which does not sleep because of an error, and returns that.
func (p *Pool) stayAwake(why error) error {
	if err := p.Wake(); err != nil {
		return errors.Join(why, modgw.ErrFrozen, err)
	}
	return why
}

// fallAsleep lets no worker start until Wake.
func (p *Pool) fallAsleep() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase != resizable || p.starts > 0 || len(p.workers) != len(p.replicas) {
		return modgw.ErrBusy
	}
	for w := range p.workers {
		if !w.isReady() {
			return modgw.ErrBusy
		}
	}
	p.phase, p.awake = asleep, make(chan struct{})
	return nil
}

// collect makes the processes collect garbage, because their memory stays as it is for long.
func (p *Pool) collect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, collectTime)
	defer cancel()
	var all sync.WaitGroup
	for _, driver := range p.Drivers() {
		if c, ok := driver.(Collector); ok {
			all.Go(func() { c.Collect(ctx) })
		}
	}
	all.Wait()
}

// Wake implements [modgw.Sleeper]. Postponed work begins now: workers start whose predecessors have
// ended, and the pool gets its target size.
func (p *Pool) Wake() error {
	err := p.thaw()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == asleep {
		p.phase = resizable
		close(p.awake)
		p.resizeLocked(true)
	}
	return err
}

// thaw lets the processes run on.
func (p *Pool) thaw() error {
	err := p.freezer().Thaw()
	for _, w := range p.tracked() {
		if w.isIn(Asleep) {
			w.event((*stateMachine).woken)
		}
	}
	return err
}

// beginStart waits until a worker may be started, and counts it until endStart. It reports false
// when the pool stops.
func (p *Pool) beginStart() bool {
	for {
		p.mu.Lock()
		awake := p.awake
		if p.phase != asleep {
			p.starts++
			p.mu.Unlock()
			return true
		}
		p.mu.Unlock()
		select {
		case <-awake:
		case <-p.halt:
			return false
		}
	}
}

func (p *Pool) endStart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts--
}

// sleepMeans returns the mechanisms by which the processes sleep, as in [modgw.RunnerStatus].
func (p *Pool) sleepMeans() map[string]string {
	version := 0
	if p.ownsProcesses() {
		version = p.freezer().FreezerVersion()
	}
	if version == 0 {
		return map[string]string{"freeze": modgw.MeansNone, "memory": modgw.MeansNone}
	}
	return map[string]string{"freeze": fmt.Sprintf("cgroup v%d", version), "memory": p.freezer().PageOutMeans()}
}

// ownsProcesses reports whether the pool starts its workers.
func (p *Pool) ownsProcesses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase != unstarted && p.phase != stopped
}
