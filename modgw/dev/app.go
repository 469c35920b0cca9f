package dev

import (
	"path"
	"sync"

	"github.com/modgw/modgw/modgw"
)

// app holds the state of one app.
type app struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each change
	now     state
}

// state holds the data for the pages of an app.
type state struct {
	revision int          // changes when pages become outdated
	styles   int          // changes when style sheets become outdated
	failure  *modgw.Event // why the code is not loaded; nil: it is
	causes   []string     // the changes since code was loaded, the last deploy included
}

// keptCauses is the number of changes that are shown.
const keptCauses = 10

func newApp() *app { return &app{changed: make(chan struct{})} }

func (a *app) state() state {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

// watch returns the state, and a channel that closes when the state changes.
func (a *app) watch() (state, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now, a.changed
}

func (a *app) observe(e modgw.Event) {
	a.change(func(s *state) {
		s.revision++
		if e.Fault == nil {
			s.failure, s.causes = nil, nil
			return
		}
		s.failure = &e
		s.causes = append(s.causes[:len(s.causes):len(s.causes)], e.Cause)
		if len(s.causes) > keptCauses {
			s.causes = s.causes[1:]
		}
	})
}

// assets records changed files that no code reads. Style sheets can be replaced in open pages; for
// other files the pages must be loaded again.
func (a *app) assets(paths []string) {
	a.change(func(s *state) {
		for _, p := range paths {
			if path.Ext(p) != ".css" {
				s.revision++
				return
			}
		}
		s.styles++
	})
}

func (a *app) change(f func(*state)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(&a.now)
	close(a.changed)
	a.changed = make(chan struct{})
}
