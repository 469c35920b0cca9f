package workers

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Config is what a Pool is made from.
type Config struct {
	Runner modgw.RunnerConfig // says which app is run, and how
	User   *account.Account   // nil: the host's own
	Count  int                // workers; 0: one

	// NewProgram makes the program of a worker. It starts nothing.
	NewProgram func(w *Worker) Program

	Sandbox *Sandbox // confines the workers; nil: nothing does

	// Expect is told how many workers more, or fewer, are ready or will be soon: without any, no
	// request should wait. nil: it is not told.
	Expect func(n int)

	// CodeIsCrash says that an exit code other than 0 means what SIGSEGV does, as in runtimes that
	// handle such signals and exceptions that nothing catches by exiting.
	CodeIsCrash bool

	// Slow is the hint for a program that does not become ready in time.
	Slow string
}

// Pool is the workers of a runner. Its methods Start, Expand and Stop are those of [modgw.Runner]
// and [modgw.Expander].
type Pool struct {
	config   Config
	restarts atomic.Int64

	halt    chan struct{}  // closes when the pool stops
	force   chan struct{}  // closes when its workers must not take longer to end
	running sync.WaitGroup // every goroutine of the pool

	scope func() *proc.Scope // contains all that the workers start; made when it is needed

	mu      sync.Mutex
	workers map[*Worker]bool   // the workers that have a process
	crash   *modgw.CrashStatus // the latest; nil: none yet
	waiting map[int]time.Time  // since when a number without a process waits for its next start
	stopped bool               // nothing more is run in the background
}

// New makes a pool. It starts nothing.
func New(c Config) *Pool {
	c.Count = max(1, c.Count)
	if c.Expect == nil {
		c.Expect = func(int) {}
	}
	return &Pool{
		config:  c,
		scope:   sync.OnceValue(func() *proc.Scope { return NewScope(c.Runner.Descriptor, c.Runner.Log) }),
		halt:    make(chan struct{}),
		force:   make(chan struct{}),
		workers: make(map[*Worker]bool),
		waiting: make(map[int]time.Time),
	}
}

// Start starts the workers, or only the first one where the runner's configuration wants few, and
// returns when all are ready. The first one is ready before the others begin, because many apps do
// something once when they are loaded, such as creating tables, that no two processes can do at a
// time. After an error nothing is left.
func (p *Pool) Start(ctx context.Context) error {
	p.config.Expect(p.first())
	if err := p.startAll(ctx, 1, 1); err != nil {
		return err
	}
	return p.startAll(ctx, 2, p.first())
}

// startAll starts the workers of some numbers at the same time and returns when all are ready.
// After an error nothing is left of the pool.
func (p *Pool) startAll(ctx context.Context, from, to int) error {
	results := make(chan error, max(0, to-from+1))
	for number := from; number <= to; number++ {
		p.running.Go(func() {
			w, err := p.startWorker(ctx, number, p.config.Runner.Replaces)
			results <- err
			if err == nil {
				p.supervise(w)
			}
		})
	}
	for range cap(results) {
		if err := <-results; err != nil {
			p.stopStarted()
			return err
		}
	}
	return nil
}

// Expand starts the workers that Start left out.
func (p *Pool) Expand() {
	for number := p.first() + 1; number <= p.config.Count; number++ {
		p.Background(func() { p.supervise(p.startAtLast(number)) })
	}
}

// Stop ends all workers: politely until ctx is done, then by force. It returns when every process
// and goroutine has ended, and what the workers have left behind.
func (p *Pool) Stop(ctx context.Context) {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	close(p.halt)
	polite := context.AfterFunc(ctx, func() { close(p.force) })
	defer polite()
	p.running.Wait()
	p.scope().Kill()
	p.config.Sandbox.Close()
}

// Background runs f in a goroutine that Stop waits for. It reports false, and runs nothing, when
// the pool stops.
func (p *Pool) Background(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.running.Go(f)
	}
	return !p.stopped
}

// Halted closes when the pool stops.
func (p *Pool) Halted() <-chan struct{} { return p.halt }

// Programs are those of the workers that have a process, by number, the older first.
func (p *Pool) Programs() (programs []Program) {
	for _, w := range p.tracked() {
		programs = append(programs, w.program)
	}
	return programs
}

// Count is how many workers there are when all run.
func (p *Pool) Count() int { return p.config.Count }

// Status fills in what a runner's status says of its workers: by number, the older first.
func (p *Pool) Status(status *modgw.RunnerStatus) {
	workers := []modgw.WorkerStatus{}
	for _, w := range p.tracked() {
		workers = append(workers, w.status())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(p.waiting)) {
		workers = append(workers, modgw.WorkerStatus{Number: number, State: Waiting.String(), Since: p.waiting[number]})
	}
	status.Workers, status.Restarts = workers, int(p.restarts.Load())
	status.Crash = p.crash.Clone()
	if d := p.config.Runner.Descriptor; groupLimits(d).Bounded() && !p.stopped {
		status.Limits = Means(d, p.scope())
	}
	p.config.Sandbox.Status(status)
}

// first is how many workers Start starts.
func (p *Pool) first() int {
	if p.config.Runner.Few {
		return 1
	}
	return p.config.Count
}

// stopStarted ends everything after a start that failed, or is not needed any more: workers
// that were ready shut down as always, those that were not are killed.
func (p *Pool) stopStarted() {
	ctx, cancel := context.WithTimeout(context.Background(), p.config.Runner.Descriptor.Timeouts.Stop)
	defer cancel()
	p.Stop(ctx)
}

func (p *Pool) track(w *Worker, has bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if has {
		p.workers[w] = true
	} else {
		delete(p.workers, w)
	}
}

// othersReady reports whether a worker other than w takes requests.
func (p *Pool) othersReady(w *Worker) bool {
	for _, other := range p.tracked() {
		if other != w && other.isReady() {
			return true
		}
	}
	return false
}

func (p *Pool) tracked() []*Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.workers), func(a, b *Worker) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return a.process.PID() - b.process.PID()
	})
}
