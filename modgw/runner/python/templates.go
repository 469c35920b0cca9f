package python

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/runner/workers"
)

// Templates keep a template process for every app whose workers may be forked: it has the modules of the environment
// loaded, so that a worker only loads the app. Use [NewTemplates].
type Templates struct {
	calm time.Duration // how long a new generation is left alone before its template is prepared

	mu     sync.Mutex
	stocks map[string]*stock
}

// NewTemplates returns Templates that have no process until an app is up whose runner was made with them.
func NewTemplates() *Templates {
	return &Templates{calm: time.Second, stocks: make(map[string]*stock)}
}

// enter returns the stock that a runner forks its workers from until it calls leave; nil when it must not fork any.
func (t *Templates) enter(r *Runner) *stock {
	if t == nil || !mayFork(r) {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := r.shape()
	s := t.stocks[key]
	if s == nil {
		s = &stock{calm: t.calm, excluded: make(map[string]string)}
		s.ctx, s.cancel = context.WithCancel(context.Background())
		t.stocks[key] = s
	}
	s.users++
	return s
}

// leave ends the template when the runner was the last one that used it.
func (t *Templates) leave(s *stock, r *Runner) {
	if s == nil {
		return
	}
	t.mu.Lock()
	s.users--
	last := s.users == 0
	if last {
		delete(t.stocks, r.shape())
	}
	t.mu.Unlock()
	if last {
		s.close()
	}
}

// mayFork reports whether nothing that is known before the first start speaks against it.
func mayFork(r *Runner) bool {
	return !r.config.Descriptor.Python.NoTemplate && !r.program.gevent && r.program.lanes+len([]string{"stdout", "stderr", "control", "lifeline"}) <= mostDescriptors
}

// shape is the name of all that shapes a process before it loads the app. The app's root is no part of it: every release
// may have one of its own, and a worker goes to it after it was forked.
func (r *Runner) shape() string {
	d, env := r.config.Descriptor, r.config.Environment
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %q %q %q %q", env.ID, env.Dir, env.Interpreter, env.SearchPath, d.Name, r.files.Dir)
	fmt.Fprintf(hash, "%v", workers.Limits(d))
	fmt.Fprintf(hash, "%q", d.ProcessEnv(env, r.user.HomeDir()))
	if c := r.user.Credential(); c != nil {
		fmt.Fprintf(hash, "%d %d %d", c.Uid, c.Gid, slices.Sorted(slices.Values(c.Groups)))
	}
	return string(hash.Sum(nil))
}
