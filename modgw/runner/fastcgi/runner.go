package fastcgi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/webfiles"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// externalPlaces is the number of simultaneous requests to a program that someone else runs if it
// does not report a limit.
const externalPlaces = 64

// Runner runs a FastCGI app. It implements [modgw.Runner].
type Runner struct {
	config  modgw.RunnerConfig
	user    *account.Account // nil: the host's own
	scripts *scripts         // nil: the program answers all paths itself
	public  *webfiles.Site   // files among the scripts; nil if there are no scripts
	queue   *queue.Queue
	pool    *workers.Pool    // nil: someone else runs the program
	sandbox *workers.Sandbox // confines the workers; nil: nothing does

	halt     chan struct{}  // closes when the runner stops
	ending   sync.WaitGroup // waits for work that continues after a request was answered
	mu       sync.Mutex
	programs []*program // the programs that may have connections
	stopped  bool
}

var (
	_ modgw.Runner   = (*Runner)(nil)
	_ modgw.Expander = (*Runner)(nil)
	_ modgw.Resizer  = (*Runner)(nil)
)

// target is whom a place in the queue belongs to.
type target struct {
	program *program
	worker  *worker // nil: someone else runs the program
}

// New returns the runner of a generation. It starts nothing.
func New(c modgw.RunnerConfig) (*Runner, error) {
	d := c.Descriptor
	if d.FastCGI == nil {
		return nil, fmt.Errorf("cannot run app %q: it is of kind %q and not fastcgi", d.Name, d.Kind)
	}
	user, err := d.Account()
	if err != nil {
		return nil, err
	}
	r := &Runner{
		config: c,
		user:   user,
		queue:  queue.New(d.Queue).OnCrowd(c.Crowded),
		halt:   make(chan struct{}),
	}
	if root := d.FastCGI.Scripts(d.Root); root != "" {
		r.scripts = &scripts{
			folder: d.Folder(root, user),
			index:  cmp.Or(d.FastCGI.Index, "index.php"),
			local:  d.FastCGI.Connect == "" || modgw.Address(d.FastCGI.Connect).Network() == "unix",
		}
		r.public = publicSite(r.scripts, webfiles.Site{Index: []string{indexPage}, Log: c.Log})
	}
	if d.FastCGI.Connect == "" {
		r.sandbox = workers.NewSandbox(c, user)
		r.pool = workers.New(workers.Config{
			Runner: c, User: user, Sandbox: r.sandbox, Count: cmp.Or(c.Size, d.Scale().Min), NewDriver: r.newWorker, Expect: r.queue.Expect,
			CodeIsCrash: true,
			LateHint:    "it must accept connections on its standard input, which is a listening socket, and read them",
		})
	}
	return r, nil
}

// connectingUser returns the user with whose rights an external program is connected to; nil means
// this process. For a descriptor that is not root's it is the descriptor's owner.
func (r *Runner) connectingUser() *account.Account {
	if r.config.Descriptor.Owner == "" {
		return nil
	}
	return r.user
}

// Start implements [modgw.Runner].
func (r *Runner) Start(ctx context.Context) error {
	if r.pool != nil {
		return r.pool.Start(ctx)
	}
	if limit := r.config.Descriptor.Timeouts.Startup; limit > 0 {
		timed, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ctx = timed
	}
	address := modgw.Address(r.config.Descriptor.FastCGI.Connect)
	p := r.add(newProgram(connector(address, r.connectingUser())))
	said, err := ask(ctx, p.connect)
	if err != nil {
		return notReachable(address, err).Fault
	}
	p.values = said.Values
	r.queue.Expect(1)
	r.queue.Add(&queue.Member{Places: r.places(said.Values, externalPlaces), Value: target{program: p}})
	return nil
}

// places returns the number of simultaneous requests to a program.
func (r *Runner) places(v fcgi.Values, otherwise int) int {
	if n := r.config.Descriptor.FastCGI.Concurrency; n > 0 {
		return n
	}
	if v.Mpxs {
		return cmp.Or(v.MaxReqs, maxStreams)
	}
	return cmp.Or(v.MaxConns, otherwise)
}

// Expand implements [modgw.Expander].
func (r *Runner) Expand() {
	if r.pool != nil {
		r.pool.Expand()
	}
}

// Resize implements [modgw.Resizer].
func (r *Runner) Resize(n int) {
	if r.pool != nil {
		r.pool.Resize(n)
	}
}

// Size implements [modgw.Resizer].
func (r *Runner) Size() int {
	if r.pool == nil {
		return 0
	}
	return r.pool.Size()
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.queue.Close()
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	close(r.halt)
	r.ending.Wait()
	if r.pool != nil {
		r.pool.Stop(ctx)
	}
	for _, p := range r.programs {
		p.close()
	}
}

// add keeps track of a program, and not any more of those that have gone.
func (r *Runner) add(p *program) *program {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.programs = append(slices.DeleteFunc(r.programs, (*program).gone), p)
	return p
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	status := modgw.RunnerStatus{Workers: []modgw.WorkerStatus{}}
	status.Busy, status.Capacity, status.Queued = r.queue.Counts()
	if r.pool != nil {
		r.pool.Status(&status)
	}
	return status
}

// later runs f in a goroutine that Stop waits for; when the runner stops already, it is run here.
func (r *Runner) later(f func()) {
	r.mu.Lock()
	if !r.stopped {
		r.ending.Go(f)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	f()
}
