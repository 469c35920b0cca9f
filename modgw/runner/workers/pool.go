package workers

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Config is the configuration of a Pool.
type Config struct {
	Runner modgw.RunnerConfig // the app and its environment
	User   *account.Account   // nil: the host's own
	Count  int                // workers at first; 0: one

	// NewDriver returns the driver of a worker. It starts nothing.
	NewDriver func(w *Worker) Driver

	Sandbox *Sandbox // confines the workers; nil: nothing does
	Freezer Freezer  // freezes the workers; nil: their control group does

	// Expect is called with the change of the number of workers that are ready or will be soon.
	// While it is zero, requests should not wait. nil: it is not called.
	Expect func(n int)

	// CodeIsCrash means that an exit code other than 0 is a crash like SIGSEGV, as in runtimes that
	// exit on such signals and on uncaught exceptions.
	CodeIsCrash bool

	// LateHint is the hint for a program that does not become ready in time.
	LateHint string
}

// Pool is the set of workers of a runner. Its methods Start, Expand and Stop are those of
// [modgw.Runner] and [modgw.Expander], Resize and Size are those of [modgw.Resizer], and Sleep and
// Wake are those of [modgw.Sleeper].
type Pool struct {
	config   Config
	restarts atomic.Int64

	halt    chan struct{}  // closes when the pool stops
	force   chan struct{}  // closes when its workers must not take longer to end
	running sync.WaitGroup // every goroutine of the pool

	scope func() *proc.Scope // contains all that the workers start; made when it is needed

	mu       sync.Mutex
	size     int                // replicas that there should be
	phase    phase              // determines the effect of Resize
	awake    chan struct{}      // closes when the phase asleep ends
	starts   int                // workers that are being started
	replicas map[int]*replica   // by number
	workers  map[*Worker]bool   // the workers that have a process
	finished int64              // requests of the workers that have ended
	crash    *modgw.CrashStatus // the latest; nil: none yet
	asked    map[int]bool       // numbers of the workers that another host was asked for
}

// New returns a pool. It starts nothing.
func New(c Config) *Pool {
	c.Count = max(1, c.Count)
	if c.Expect == nil {
		c.Expect = func(int) {}
	}
	return &Pool{
		config:   c,
		scope:    sync.OnceValue(func() *proc.Scope { return newPoolScope(c.Runner.Descriptor, c.Sandbox, c.Runner.Log) }),
		halt:     make(chan struct{}),
		force:    make(chan struct{}),
		size:     c.Count,
		replicas: make(map[int]*replica),
		workers:  make(map[*Worker]bool),
		asked:    make(map[int]bool),
	}
}

// Start starts the workers, or only the first one where the runner's configuration wants few, and
// returns when all are ready. The first one is ready before the others begin, because many apps do
// something once when they are loaded, such as creating tables, that no two processes can do at a
// time. After an error nothing is left.
func (p *Pool) Start(ctx context.Context) error {
	p.mu.Lock()
	p.phase = starting
	p.mu.Unlock()
	first := p.first()
	p.config.Expect(first)
	if err := p.startAll(ctx, 1, 1); err != nil {
		return err
	}
	if err := p.startAll(ctx, 2, first); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.config.Runner.Few {
		p.phase = resizable
		p.resizeLocked(false) // Resize may have been called meanwhile
	}
	return nil
}

// startAll starts the workers of some numbers at the same time and returns when all are ready.
// After an error nothing is left of the pool.
func (p *Pool) startAll(ctx context.Context, from, to int) error {
	results := make(chan error, max(0, to-from+1))
	for number := from; number <= to; number++ {
		p.mu.Lock()
		r := p.addReplica(number)
		p.mu.Unlock()
		p.running.Go(func() {
			w, err := p.startWorker(ctx, number, p.config.Runner.Replaces)
			results <- err
			if err == nil {
				p.supervise(r, w)
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

// Stop ends all workers: politely until ctx is done, then by force. It returns when every process
// and goroutine has ended, including leftover processes of the workers.
func (p *Pool) Stop(ctx context.Context) {
	p.mu.Lock()
	wasAsleep := p.phase == asleep
	p.phase = stopped
	p.mu.Unlock()
	if wasAsleep {
		_ = p.thaw() // a frozen process cannot end politely
	}
	close(p.halt)
	polite := context.AfterFunc(ctx, func() { close(p.force) })
	defer polite()
	p.running.Wait()
	p.scope().End(p.config.Runner.Log)
	p.config.Sandbox.Close()
}

// Background runs f in a goroutine that Stop waits for. It reports false, and runs nothing, when
// the pool stops.
func (p *Pool) Background(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == stopped {
		return false
	}
	p.running.Go(f)
	return true
}

// Halted closes when the pool stops.
func (p *Pool) Halted() <-chan struct{} { return p.halt }

// Drivers returns the drivers of the workers that have a process, by number, the older first.
func (p *Pool) Drivers() (drivers []Driver) {
	for _, w := range p.tracked() {
		drivers = append(drivers, w.driver)
	}
	return drivers
}

// Size returns the target number of workers.
func (p *Pool) Size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// Status fills in the workers in a runner's status: by number, the older first.
func (p *Pool) Status(status *modgw.RunnerStatus) {
	workers := []modgw.WorkerStatus{}
	for _, w := range p.tracked() {
		workers = append(workers, w.status())
	}
	if p.config.Runner.Descriptor.Idle.SleepAfter > 0 {
		status.Sleep = p.sleepMeans()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(p.replicas)) {
		if since := p.replicas[number].waitsSince; !since.IsZero() {
			workers = append(workers, modgw.WorkerStatus{Number: number, State: BackingOff.String(), Since: since})
		}
	}
	status.Workers, status.Wanted, status.Restarts = workers, p.size, int(p.restarts.Load())
	status.Finished = p.finishedLocked()
	status.Crash = p.crash.Clone()
	if d := p.config.Runner.Descriptor; groupLimits(d).Bounded() && p.phase != stopped {
		status.Limits = LimitMeans(d, p.scope())
	}
	p.config.Sandbox.Status(status)
}

// freezer returns the freezer of the workers.
func (p *Pool) freezer() Freezer {
	if p.config.Freezer != nil {
		return p.config.Freezer
	}
	return p.scope()
}

// finishedLocked returns the number of requests that the workers have executed; p.mu is held.
func (p *Pool) finishedLocked() int64 {
	n := p.finished
	for w := range p.workers {
		n += int64(w.recycle.countFinished())
	}
	return n
}

// first returns the number of workers that Start starts.
func (p *Pool) first() int {
	if p.config.Runner.Few {
		return 1
	}
	return p.Size()
}

// stopStarted ends everything after a start that failed, or is not needed any more: workers that
// were ready shut down as always, those that were not are killed.
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
	} else if p.workers[w] {
		delete(p.workers, w)
		p.finished += int64(w.recycle.countFinished())
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
