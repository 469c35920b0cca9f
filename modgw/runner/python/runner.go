package python

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
)

// Runner runs a WSGI or ASGI app. It implements [modgw.Runner].
type Runner struct {
	config   modgw.RunnerConfig
	files    Files
	user     *account.Account // nil: the host's own
	program  program
	roster   roster // the one of these two that the app's kind has
	pool     *pool  // of a WSGI app
	seats    *seats // of an ASGI app
	restarts atomic.Int64
	attached *attachment // nil: workers are started
	stock    *stock      // nil: every worker is started on its own

	heartbeat time.Duration // of WebSockets

	halt    chan struct{}  // closes when the runner stops
	force   chan struct{}  // closes when its workers must not take longer to end
	running sync.WaitGroup // every goroutine of the runner

	mu      sync.Mutex
	workers map[*worker]bool  // that have a process
	waiting map[int]crew.Life // numbers without a process, after failures
	stopped bool              // nothing more is run in the background
}

var (
	_ modgw.Runner   = (*Runner)(nil)
	_ modgw.Expander = (*Runner)(nil)
)

// New makes a runner that serves with the worker code in files. It starts nothing.
func New(config modgw.RunnerConfig, files Files) (*Runner, error) {
	d := config.Descriptor
	if d.Attach {
		d = attachable(d)
		config.Descriptor = d
	}
	program, err := programOf(config)
	if err != nil {
		return nil, err
	}
	user, err := account.Lookup(d.User, d.Group)
	if err != nil {
		return nil, &modgw.Fault{Code: "MGW-APP-018", Summary: "cannot run the app as its user", Err: err}
	}
	r := &Runner{
		config:  config,
		files:   files,
		user:    user,
		program: program,
		halt:    make(chan struct{}),
		force:   make(chan struct{}),
		workers: make(map[*worker]bool),
		waiting: make(map[int]crew.Life),

		heartbeat: defaultHeartbeat,
	}
	if program.shared {
		r.seats = newSeats(d.Queue, program.seats)
		r.roster = r.seats
	} else {
		r.pool = &pool{queue: d.Queue, parallel: config.Environment != nil && config.Environment.FreeThreaded}
		r.roster = r.pool
	}
	if d.Attach {
		r.attached = &attachment{closed: make(chan struct{})}
	}
	return r, nil
}

// Start implements [modgw.Runner].
func (r *Runner) Start(ctx context.Context) error {
	if r.attached != nil {
		return r.awaitAttached()
	}
	r.stock = r.files.Templates.enter(r)
	count := r.first()
	r.roster.hope(count)
	results := make(chan error, count)
	for number := 1; number <= count; number++ {
		r.running.Go(func() {
			w, err := r.startWorker(ctx, number)
			results <- err
			if err == nil {
				r.supervise(w)
			}
		})
	}
	for range count {
		if err := <-results; err != nil {
			r.stopNow()
			return err
		}
	}
	return nil
}

// Expand implements [modgw.Expander].
func (r *Runner) Expand() {
	for number := r.first() + 1; number <= r.program.workers; number++ {
		r.background(func() { r.supervise(r.startAtLast(number)) })
	}
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.roster.close()
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	close(r.halt)
	polite := context.AfterFunc(ctx, func() { close(r.force) })
	defer polite()
	r.running.Wait()
	r.files.Templates.leave(r.stock, r)
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	status := modgw.RunnerStatus{
		Capacity: r.program.workers * r.program.seats,
		Restarts: int(r.restarts.Load()),
	}
	status.Busy, status.Queued = r.roster.counts()
	if r.attached != nil {
		status.Workers = append(status.Workers, r.attached.status())
		return status
	}
	for _, w := range r.tracked() {
		status.Workers = append(status.Workers, w.status())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(r.waiting)) {
		l := r.waiting[number]
		status.Workers = append(status.Workers, modgw.WorkerStatus{Number: number, State: l.State.String(), Since: l.Since})
	}
	return status
}

// first is how many workers Start starts.
func (r *Runner) first() int {
	if r.config.Few {
		return 1
	}
	return r.program.workers
}

// stopNow ends everything by force.
func (r *Runner) stopNow() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Stop(ctx)
}

// background runs f in a goroutine that Stop waits for. It reports false, and runs nothing, when the runner stops: its
// processes are about to end then, and with them whatever f could do. Goroutines that Stop waits for already need not ask.
func (r *Runner) background(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.running.Go(f)
	}
	return !r.stopped
}

func (r *Runner) keepTrack(w *worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.workers[w] = true
}

func (r *Runner) loseTrack(w *worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.workers, w)
}

// tracked is the workers that have a process, by number, the older first.
func (r *Runner) tracked() []*worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.workers), func(a, b *worker) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return a.process.PID() - b.process.PID()
	})
}
