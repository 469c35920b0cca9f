package cgi

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// defaultConcurrency is the number of scripts that run at once.
const defaultConcurrency = 10

// Runner runs a CGI app. It implements [modgw.Runner].
type Runner struct {
	config  modgw.RunnerConfig
	user    *account.Account // nil: the host's own
	scripts scripts
	queue   *queue.Queue

	sandbox *workers.Sandbox // nil: scripts are not confined

	scope   func() *proc.Scope // contains all that scripts start; made when it is needed
	running sync.WaitGroup     // waits for processes whose requests have ended
	mu      sync.Mutex
	live    map[*proc.Process]bool
	stopped bool
}

var _ modgw.Runner = (*Runner)(nil)

// New returns the runner of a generation. It starts nothing.
func New(c modgw.RunnerConfig) (*Runner, error) {
	d := c.Descriptor
	if d.CGI == nil {
		return nil, fmt.Errorf("cannot run app %q: it is of kind %q and not cgi", d.Name, d.Kind)
	}
	user, err := d.Account()
	if err != nil {
		return nil, err
	}
	box := workers.NewSandbox(c, user)
	return &Runner{
		config:  c,
		user:    user,
		scripts: scripts{user: user, dir: d.CGI.Dir, script: d.CGI.Script},
		queue:   queue.New(d.Queue),
		sandbox: box,
		scope:   sync.OnceValue(func() *proc.Scope { return workers.NewScope(d, box, c.Log) }),
		live:    make(map[*proc.Process]bool),
	}, nil
}

// Start implements [modgw.Runner]: it looks whether there is something to run.
func (r *Runner) Start(context.Context) error {
	var err error
	if dir := r.config.Descriptor.CGI.Dir; dir != "" {
		folder := files.Folder{Dir: dir, User: r.user}
		if err = folder.Visit(func(files.Root) error { return nil }); err != nil {
			err = noFolder(dir, err)
		}
	} else if err = r.scripts.look(r.config.Descriptor.CGI.Script); err != nil {
		err = noScript(r.config.Descriptor.CGI.Script, err).Fault
	}
	if err != nil {
		return err
	}
	r.queue.Expect(1)
	r.queue.Add(&queue.Member{Places: cmp.Or(r.config.Descriptor.CGI.Concurrency, defaultConcurrency)})
	return nil
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.queue.Close()
	r.mu.Lock()
	r.stopped = true
	for p := range r.live {
		r.running.Go(func() { p.Terminate(r.config.Descriptor.Timeouts.Stop) })
	}
	r.mu.Unlock()
	defer context.AfterFunc(ctx, r.kill)()
	r.running.Wait()
	r.scope().End(r.config.Log)
	r.sandbox.Close()
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	status := modgw.RunnerStatus{Workers: []modgw.WorkerStatus{}}
	status.Busy, status.Capacity, status.Queued = r.queue.Counts()
	status.Limits = workers.LimitMeans(r.config.Descriptor, r.scope())
	r.sandbox.Status(&status)
	return status
}

// kill ends all processes by force.
func (r *Runner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.live {
		p.Kill()
	}
}

// later runs f in a goroutine that Stop waits for. It reports false, and runs nothing, when the
// runner stops.
func (r *Runner) later(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.running.Go(f)
	}
	return !r.stopped
}

// start starts a process that Stop ends.
func (r *Runner) start(spec proc.Spec) (*proc.Process, error) {
	spec.Credential = r.user.Credential()
	spec.Scope = r.scope()
	spec.Limits = workers.Limits(r.config.Descriptor, spec.Scope)
	spec.Leash = true
	if err := r.sandbox.Confine(&spec, []string{spec.Path}); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return nil, queue.ErrClosed
	}
	p, err := proc.Start(spec)
	if err != nil {
		return nil, err
	}
	r.live[p] = true
	r.running.Go(func() {
		<-p.Done()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.live, p)
	})
	return p, nil
}
