package crew

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

// Config is what a Crew is made from.
type Config struct {
	Runner modgw.RunnerConfig
	User   *account.Account // nil: the host's own
	Count  int              // workers; 0: one

	// NewJob makes the job of a worker. It starts nothing.
	NewJob func(w *Worker) Job

	// Hope is told how many workers more, or fewer, are ready or will be soon: without any, no request should wait.
	// nil: nobody wants to know.
	Hope func(n int)

	// CodeIsCrash says that an exit code other than 0 means what SIGSEGV does, as in runtimes that handle such signals and
	// exceptions that nothing catches by exiting.
	CodeIsCrash bool

	// Slow is the hint for a program that does not become ready in time.
	Slow string
}

// Crew is the workers of a runner. Its methods Start, Expand and Stop are those of [modgw.Runner] and [modgw.Expander].
type Crew struct {
	config   Config
	restarts atomic.Int64

	halt    chan struct{}  // closes when the crew stops
	force   chan struct{}  // closes when its workers must not take longer to end
	running sync.WaitGroup // every goroutine of the crew

	scope func() *proc.Scope // of all that the workers start; made when it is needed

	mu      sync.Mutex
	workers map[*Worker]bool   // that have a process
	crash   *modgw.CrashStatus // the latest; nil: none yet
	waiting map[int]Life       // numbers without a process, after failures
	stopped bool               // nothing more is run in the background
}

// New makes a crew. It starts nothing.
func New(c Config) *Crew {
	c.Count = max(1, c.Count)
	if c.Hope == nil {
		c.Hope = func(int) {}
	}
	return &Crew{
		config:  c,
		scope:   sync.OnceValue(proc.NewScope),
		halt:    make(chan struct{}),
		force:   make(chan struct{}),
		workers: make(map[*Worker]bool),
		waiting: make(map[int]Life),
	}
}

// Start starts the workers, or only the first one where the runner's configuration wants few, and returns when all are
// ready. After an error nothing is left.
func (c *Crew) Start(ctx context.Context) error {
	count := c.first()
	c.config.Hope(count)
	results := make(chan error, count)
	for number := 1; number <= count; number++ {
		c.running.Go(func() {
			w, err := c.startWorker(ctx, number, c.config.Runner.Replaces)
			results <- err
			if err == nil {
				c.supervise(w)
			}
		})
	}
	for range count {
		if err := <-results; err != nil {
			c.stopStarted()
			return err
		}
	}
	return nil
}

// Expand starts the workers that Start left out.
func (c *Crew) Expand() {
	for number := c.first() + 1; number <= c.config.Count; number++ {
		c.Background(func() { c.supervise(c.startAtLast(number)) })
	}
}

// Stop ends all workers: politely until ctx is done, then by force. It returns when every process and goroutine has ended, and
// what the workers have left behind.
func (c *Crew) Stop(ctx context.Context) {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	close(c.halt)
	polite := context.AfterFunc(ctx, func() { close(c.force) })
	defer polite()
	c.running.Wait()
	c.scope().Kill()
}

// Background runs f in a goroutine that Stop waits for. It reports false, and runs nothing, when the crew stops.
func (c *Crew) Background(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.running.Go(f)
	}
	return !c.stopped
}

// Halted closes when the crew stops.
func (c *Crew) Halted() <-chan struct{} { return c.halt }

// Jobs are those of the workers that have a process, by number, the older first.
func (c *Crew) Jobs() (jobs []Job) {
	for _, w := range c.tracked() {
		jobs = append(jobs, w.job)
	}
	return jobs
}

// Count is how many workers there are when all run.
func (c *Crew) Count() int { return c.config.Count }

// Status fills in what a runner's status says of its workers: by number, the older first.
func (c *Crew) Status(status *modgw.RunnerStatus) {
	workers := []modgw.WorkerStatus{}
	for _, w := range c.tracked() {
		workers = append(workers, w.status())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(c.waiting)) {
		l := c.waiting[number]
		workers = append(workers, modgw.WorkerStatus{Number: number, State: l.State.String(), Since: l.Since})
	}
	status.Workers, status.Restarts = workers, int(c.restarts.Load())
	status.Crash = c.crash.Clone()
}

// first is how many workers Start starts.
func (c *Crew) first() int {
	if c.config.Runner.Few {
		return 1
	}
	return c.config.Count
}

// stopStarted ends everything after a start that failed, or that nobody wants any more: workers that were ready shut down as
// always, those that were not are killed.
func (c *Crew) stopStarted() {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Runner.Descriptor.Timeouts.Stop)
	defer cancel()
	c.Stop(ctx)
}

func (c *Crew) track(w *Worker, has bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if has {
		c.workers[w] = true
	} else {
		delete(c.workers, w)
	}
}

// othersReady reports whether a worker other than w takes requests.
func (c *Crew) othersReady(w *Worker) bool {
	for _, other := range c.tracked() {
		if other != w && other.isReady() {
			return true
		}
	}
	return false
}

func (c *Crew) tracked() []*Worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Keys(c.workers), func(a, b *Worker) int {
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return a.process.PID() - b.process.PID()
	})
}
