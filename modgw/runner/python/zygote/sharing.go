package zygote

import (
	"context"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw/runner/workers"
)

// sharedTemplate is a template from which several apps of one user may be forked.
type sharedTemplate struct {
	*template
	names []string // modules that it was made for, sorted
}

// sharingKey is the same for apps that may share a template; "": the app has its own. A sandbox
// separates processes that come from different templates, and limits count those of an app
// together.
func (a *App) sharingKey() string {
	d := a.Descriptor
	if d.Sandbox != nil || a.Stdin != nil || workers.AreBounded(d) {
		return ""
	}
	libraries := slices.DeleteFunc(slices.Clone(d.Python.Path), func(entry string) bool { return !strings.Contains(entry, "-packages") })
	return strings.Join(append(libraries, a.shape()), " ")
}

// fits reports whether workers that load the modules may be forked from a template. It must have
// loaded most of these, and no other modules, or an app would differ if it has a neighbour.
func (t *sharedTemplate) fits(names []string) bool {
	const least = 0.75
	if float64(len(t.names)) < least*float64(len(names)) {
		return false
	}
	return !slices.ContainsFunc(t.names, func(name string) bool {
		_, found := slices.BinarySearch(names, name)
		return !found
	})
}

// find returns a template that fits, which the caller uses until release; nil: there is none.
func (s *Set) find(key string, names []string) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.shared[key] {
		if t.isUsable() && t.fits(names) {
			t.users++
			return t.template
		}
	}
	return nil
}

// share lets others find a template that the caller uses.
func (s *Set) share(key string, t *template, names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == nil {
		s.shared = make(map[string][]*sharedTemplate)
	}
	s.shared[key] = append(s.shared[key], &sharedTemplate{t, names})
}

// isShared reports whether other zygotes use a template too.
func (s *Set) isShared(t *template) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.users > 1
}

// release ends a template when its last user releases it.
func (s *Set) release(key string, t *template) {
	s.mu.Lock()
	t.users--
	last := t.users == 0
	if last {
		rest := slices.DeleteFunc(s.shared[key], func(other *sharedTemplate) bool { return other.template == t })
		if delete(s.shared, key); len(rest) > 0 {
			s.shared[key] = rest
		}
	}
	s.mu.Unlock()
	if last {
		t.end()
	}
}

// turn lets one template for a sharing key be made at a time.
type turn struct {
	held  chan struct{}
	users int // those that hold it or wait for it; guarded by Set.mu
}

// takeTurn waits until no other template for the key is being made, so that the next one finds it.
// end ends the turn.
func (s *Set) takeTurn(ctx context.Context, key string) (end func(), err error) {
	s.mu.Lock()
	if s.turns == nil {
		s.turns = make(map[string]*turn)
	}
	t := s.turns[key]
	if t == nil {
		t = &turn{held: make(chan struct{}, 1)}
		s.turns[key] = t
	}
	t.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.turns, key)
		}
	}
	select {
	case t.held <- struct{}{}:
		return func() { <-t.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

// sortedNames are the modules of a report.
func (r *Report) sortedNames() []string {
	return slices.Sorted(slices.Values(strings.Split(r.names, "\n")))
}
