package python

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

const (
	// mostRounds is how often a template is started to find out which modules it must not load.
	mostRounds = 6

	// mostRenewals is how often a template may turn out not to fit the app before there is none any more.
	mostRenewals = 5
)

// unfit is the error of a template that is in order and yet not what a worker must begin with now.
type unfit struct{ why string }

// Error is why.
func (u *unfit) Error() string { return u.why }

// stock is the template of one app in one environment, with what is known about making it.
type stock struct {
	users   int           // runners; guarded by Templates.mu
	calm    time.Duration // as in Templates
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // of prepare and the retired templates

	mu        sync.Mutex
	closed    bool
	current   *template // nil: none is ready
	busy      bool      // one is being prepared
	givenUp   bool
	renewals  int
	excluded  map[string]string // modules that a template must not load, and why
	preparing string            // names of the modules that the latest template was prepared with
	spare     *workerReport     // of a worker that was started on its own although there is a template
}

// pick returns the template to fork from; nil when there is none.
func (s *stock) pick() *template {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// learn takes what a ready worker tells of its modules, and has a template made of them unless there is one.
func (s *stock) learn(r *Runner, w *worker, report workerReport) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && w.template == nil {
		s.spare = &report
	}
	s.learnLocked(r, report)
}

func (s *stock) learnLocked(r *Runner, report workerReport) {
	switch {
	case s.closed || s.givenUp || s.busy:
		return
	case report.refusal != "":
		s.givenUp = true
		r.config.Log.Info("no template for this app", "reason", proc.Printable(report.refusal))
		return
	case s.current != nil && s.preparing == report.names:
		return
	}
	s.busy, s.preparing, s.spare = true, report.names, nil
	s.running.Go(func() {
		t, err := s.prepare(r, report)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
		switch {
		case s.closed || s.ctx.Err() != nil:
			s.retireLocked(t)
		case err != nil:
			s.giveUpLocked(r, err)
		default:
			s.retireLocked(s.current)
			s.current = t
		}
	})
}

// prepare makes a template of the modules in a report, and of fewer until all of them can be loaded ahead of the app.
func (s *stock) prepare(r *Runner, report workerReport) (*template, error) {
	if err := s.waitForCalm(r); err != nil {
		return nil, err
	}
	for range mostRounds {
		t, err := startTemplate(s.ctx, r)
		if err != nil {
			return nil, err
		}
		found, err := t.prepare(s.ctx, r, report.raw, s.excludedNames())
		if err == nil && len(found.exclude) == 0 {
			t.process.Resume()
			r.config.Log.Info("template ready", "pid", t.process.PID(), "modules", found.loaded, "excluded", len(s.excluded))
			return t, nil
		}
		t.end()
		if err != nil {
			return nil, err
		}
		s.exclude(r, found.exclude)
	}
	return nil, fmt.Errorf("after %d attempts there are still modules that cannot be loaded ahead of the app", mostRounds)
}

// waitForCalm lets the requests that a new generation was waited for with be answered first.
func (s *stock) waitForCalm(r *Runner) error {
	tick := time.NewTicker(s.calm)
	defer tick.Stop()
	for range 10 {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		if busy, queued := r.roster.counts(); busy+queued == 0 {
			return nil
		}
	}
	return nil
}

func (s *stock) exclude(r *Runner, found map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, why := range found {
		r.config.Log.Debug("module not in the template", "module", proc.Printable(name), "reason", proc.Printable(why))
		s.excluded[name] = why
	}
}

func (s *stock) excludedNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.excluded))
	for name := range s.excluded {
		names = append(names, name)
	}
	return names
}

// distrust notes that a worker could be started on its own, but not, because of err, be forked from t. A template that
// only does not fit any more is replaced by one that does, when the workers tell of their modules again.
func (s *stock) distrust(r *Runner, t *template, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != t || s.givenUp {
		return // somebody else noticed it already
	}
	if _, ok := errors.AsType[*unfit](err); ok && s.renewals < mostRenewals {
		s.renewals++
		s.current = nil
		s.retireLocked(t)
		r.config.Log.Info("template outdated, another one will be made", "reason", err.Error())
		if s.spare != nil {
			s.learnLocked(r, *s.spare)
		}
		return
	}
	s.giveUpLocked(r, err)
}

// giveUpLocked has all workers started on their own from now on; s.mu is held.
func (s *stock) giveUpLocked(r *Runner, err error) {
	s.givenUp = true
	s.retireLocked(s.current)
	s.current = nil
	r.config.Log.Warn("template given up, workers load all modules themselves", "reason", err.Error())
}

// retireLocked lets a template end when the workers that it has forked have ended, because it alone learns how they do.
func (s *stock) retireLocked(t *template) {
	if t == nil {
		return
	}
	t.retire()
	s.running.Go(func() {
		<-t.deserted
		t.end()
	})
}

// close ends the template. Its workers have ended.
func (s *stock) close() {
	s.mu.Lock()
	s.closed = true
	s.cancel()
	s.retireLocked(s.current)
	s.current = nil
	s.mu.Unlock()
	s.running.Wait()
}
