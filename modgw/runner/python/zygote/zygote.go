package zygote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

const (
	// maxRounds is how often a template is started to find the modules that it must not load.
	maxRounds = 6

	// maxRenewals is the number of unfit templates after which the zygote gives up.
	maxRenewals = 5
)

// UnfitError explains why a working template is not the one that a worker needs now.
type UnfitError struct {
	Reason string // the change that makes another template necessary
}

// Error returns the reason.
func (u *UnfitError) Error() string { return u.Reason }

// state is the state of a zygote's template.
type state uint8

const (
	open      state = iota // prepares a template as soon as a report differs from the last one
	preparing              // prepares one; the current one serves meanwhile
	givenUp                // has no template any more: all workers are started on their own
	closed                 // has no users
)

// Zygote is the template process of one app in one environment, and the facts learned while making
// it.
type Zygote struct {
	set     *Set
	key     string // in its Set
	users   int    // generations; guarded by Set.mu
	delay   time.Duration
	ctx     context.Context // ends when the zygote is closed
	cancel  context.CancelFunc
	running sync.WaitGroup // goroutines that prepare a template or wait for a retired one

	mu       sync.Mutex
	state    state
	current  *Process // nil: none is ready
	renewals int
	private  bool              // it shares no template: one that others use did not fit the app
	excluded map[string]string // modules that a template must not load, and why
	prepared string            // Report.names that the latest template was prepared with
	report   *Report           // last one of a worker that was not forked; nil: none
}

// Pick returns the template to fork from; nil when none is ready, and for nil.
func (z *Zygote) Pick() *Process {
	if z == nil {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.current
}

// Learn accepts the report of a ready worker, which was forked from parent or, if that is nil,
// started on its own, and prepares a template from it unless there is one.
func (z *Zygote) Learn(a App, parent *Process, report Report) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.current != nil && parent == nil {
		z.report = &report
	}
	z.learnLocked(a, report)
}

func (z *Zygote) learnLocked(a App, report Report) {
	switch {
	case z.state != open:
		return
	case report.refusal != "":
		z.state = givenUp
		a.Log.Info("no template for this app", "reason", proc.Printable(report.refusal))
		return
	case z.current != nil && z.prepared == report.names:
		return
	}
	z.state, z.prepared, z.report = preparing, report.names, nil
	z.running.Go(func() {
		p, err := z.find(a, report)
		z.mu.Lock()
		defer z.mu.Unlock()
		if z.state == preparing {
			z.state = open
		}
		switch {
		case z.state == closed || z.ctx.Err() != nil:
			z.retireLocked(p)
		case err != nil:
			z.giveUpLocked(a, err)
		default:
			z.retireLocked(z.current)
			z.current = p
		}
	})
}

// find returns a template that has loaded the modules of a report: one that another app uses
// already, or a new one.
func (z *Zygote) find(a App, report Report) (*Process, error) {
	z.mu.Lock()
	key := a.sharingKey()
	if z.private {
		key = ""
	}
	z.mu.Unlock()
	if key == "" {
		t, err := z.prepare(a, report)
		return newProcess(t, key), err
	}
	end, err := z.set.takeTurn(z.ctx, key)
	if err != nil {
		return nil, err
	}
	defer end()
	names := report.sortedNames()
	t := z.set.find(key, names)
	if t != nil {
		a.Log.Info("template shared with other apps", "pid", t.PID())
		return newProcess(t, key), nil
	}
	if t, err = z.prepare(a, report); err == nil {
		z.set.share(key, t, names)
	}
	return newProcess(t, key), err
}

// prepare makes a template that has loaded the modules of a report, leaving out more of them with
// each round until all can be loaded before the app.
func (z *Zygote) prepare(a App, report Report) (*template, error) {
	if err := z.waitUntilIdle(a); err != nil {
		return nil, err
	}
	for range maxRounds {
		p, err := start(a)
		if err != nil {
			return nil, err
		}
		found, err := p.prepare(z.ctx, a, report.raw, z.Excluded())
		if err == nil && len(found.exclude) == 0 {
			p.process.Resume()
			a.Log.Info("template ready",
				"pid", p.PID(), "modules", found.loaded, "excluded", len(z.excluded))
			return p, nil
		}
		p.end()
		if err != nil {
			return nil, err
		}
		z.exclude(a, found.exclude)
	}
	return nil, fmt.Errorf(
		"after %d attempts there are still modules that cannot be loaded ahead of the app", maxRounds)
}

// waitUntilIdle lets the requests be answered first that waited for a new generation.
func (z *Zygote) waitUntilIdle(a App) error {
	tick := time.NewTicker(z.delay)
	defer tick.Stop()
	for range 10 {
		select {
		case <-tick.C:
		case <-z.ctx.Done():
			return z.ctx.Err()
		}
		if a.IsIdle() {
			return nil
		}
	}
	return nil
}

func (z *Zygote) exclude(a App, found map[string]string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for name, why := range found {
		a.Log.Debug("module not in the template",
			"module", proc.Printable(name), "reason", proc.Printable(why))
		z.excluded[name] = why
	}
}

// Excluded returns the names of the modules that templates leave to their workers, in no order.
func (z *Zygote) Excluded() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return slices.Collect(maps.Keys(z.excluded))
}

// Distrust notes that a worker could be started on its own but, because of err, not be forked from
// p. A template that only does not fit any more is replaced as soon as a worker has reported its
// modules.
func (z *Zygote) Distrust(a App, p *Process, err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.current != p || z.state == givenUp {
		return // it was replaced already
	}
	if _, ok := errors.AsType[*UnfitError](err); ok && z.renewals < maxRenewals {
		z.renewals++
		z.current = nil
		z.private = z.private || p.isUsable() // it fits others
		z.retireLocked(p)
		a.Log.Info("template outdated, another one will be made", "reason", err.Error())
		if z.report != nil {
			z.learnLocked(a, *z.report)
		}
		return
	}
	z.giveUpLocked(a, err)
}

// giveUpLocked lets all workers be started on their own from now on; z.mu is held.
func (z *Zygote) giveUpLocked(a App, err error) {
	z.state = givenUp
	z.retireLocked(z.current)
	z.current = nil
	a.Log.Warn("template given up, workers load all modules themselves", "reason", err.Error())
}

// Rest ends the template while the app sleeps, unless its workers were forked from it, or other
// apps share it: each of them pays for a part of it. The next worker of the app leads to another
// one.
func (z *Zygote) Rest(a App) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.state != open || z.current == nil || z.current.hasChildren() || z.set.isShared(z.current.template) {
		return
	}
	a.Log.Debug("template ends while the app sleeps", "pid", z.current.PID())
	z.retireLocked(z.current)
	z.current, z.prepared, z.report = nil, "", nil
}

// retireLocked ends a template after the last worker that it has forked, because it alone learns
// how they end; z.mu is held.
func (z *Zygote) retireLocked(p *Process) {
	if p == nil {
		return
	}
	p.retire()
	z.running.Go(func() {
		<-p.deserted
		z.set.release(p.key, p.template)
	})
}

// close ends the template. Its workers have ended.
func (z *Zygote) close() {
	z.mu.Lock()
	z.state = closed
	z.cancel()
	z.retireLocked(z.current)
	z.current = nil
	z.mu.Unlock()
	z.running.Wait()
}
