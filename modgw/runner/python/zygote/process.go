package zygote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"github.com/modgw/modgw/internal/proc"
)

// Process is a template process as the zygote of one app forks from it.
type Process struct {
	*template
	key string // sharing key by which others find it; "": it is the app's own

	mu       sync.Mutex
	children int           // workers of the app that were forked and have not been reaped
	retired  bool          // no more workers are forked for the app
	deserted chan struct{} // closes when it is retired and has no children
}

// newProcess returns nil for no template.
func newProcess(t *template, key string) *Process {
	if t == nil {
		return nil
	}
	return &Process{template: t, key: key, deserted: make(chan struct{})}
}

// Worker describes how to fork a worker.
type Worker struct {
	Dir       string   // working directory
	Options   []string // command line options of the worker's program
	Arguments []string // the whole command line, for ps(1)
}

// Fork forks a worker, whose descriptors 1, 2, 3, … are theirs. release must be called unless the
// child is reaped; calling it in either case does no harm. The error is an [*UnfitError] when
// another template is needed.
func (p *Process) Fork(
	w Worker, theirs []*os.File,
) (child proc.Child, release func(), err error) {
	if !p.addChild() {
		return proc.Child{}, func() {}, &UnfitError{"it was replaced"}
	}
	release = sync.OnceFunc(p.removeChild)
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	forked, err := p.template.ask(ctx, forkRequest(w, len(theirs)), theirs)
	switch {
	case err != nil:
	case forked.unfit != "":
		p.noteOutdated()
		err = &UnfitError{proc.Printable(forked.unfit)}
	case forked.failed != "":
		err = errors.New(proc.Printable(forked.failed))
	case forked.pid <= 1:
		err = fmt.Errorf("the template has forked process %d", forked.pid)
	}
	child = proc.Child{PID: forked.pid, Parent: p.PID(), Reap: func() (syscall.WaitStatus, bool) {
		defer release()
		return p.reap(forked.pid)
	}}
	return child, release, err
}

// addChild counts a worker that is about to be forked. It reports false when the template is
// retired.
func (p *Process) addChild() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		return false
	}
	p.children++
	return true
}

func (p *Process) removeChild() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.children--
	if p.retired && p.children == 0 {
		close(p.deserted)
	}
}

// hasChildren reports whether workers of the app were forked that have not ended.
func (p *Process) hasChildren() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.children > 0
}

// retire lets the template fork no more workers.
func (p *Process) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		return
	}
	p.retired = true
	if p.children == 0 {
		close(p.deserted)
	}
}
