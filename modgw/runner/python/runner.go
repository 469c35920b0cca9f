package python

import (
	"context"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// Runner runs a WSGI or ASGI app. It implements [modgw.Runner].
type Runner struct {
	*workers.Pool
	config   modgw.RunnerConfig
	files    Files
	user     *account.Account // nil: the host's own
	program  program
	roster   roster         // the one of these two that the app's kind has
	pool     *pool          // of a WSGI app
	seats    *seats         // of an ASGI app
	attached *attachment    // nil: workers are started
	zygote   *zygote.Zygote // workers are forked from its template; nil: each is started on its own

	heartbeat time.Duration  // of WebSockets
	pings     int            // So many of one client are answered in a second.
	reading   sync.WaitGroup // of what reads what workers say; only the pool's goroutines add to it
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
	user, err := d.Account()
	if err != nil {
		return nil, err
	}
	r := &Runner{
		config:  config,
		files:   files,
		user:    user,
		program: program,

		heartbeat: defaultHeartbeat,
		pings:     defaultPings,
	}
	if program.shared {
		r.seats = newSeats(d.Queue)
		r.roster = r.seats
	} else {
		r.pool = &pool{queue: d.Queue, parallel: config.Environment != nil && config.Environment.FreeThreaded}
		r.roster = r.pool
	}
	if d.Attach {
		r.attached = &attachment{closed: make(chan struct{})}
	}
	r.Pool = workers.New(workers.Config{
		Runner:     config,
		User:       user,
		Count:      program.workers,
		NewProgram: func(w *workers.Worker) workers.Program { return r.newWorker(w, r.pickParent()) },
		Expect:     r.roster.hope,
	})
	return r, nil
}

// Start implements [modgw.Runner].
func (r *Runner) Start(ctx context.Context) error {
	if r.attached != nil {
		return r.awaitAttached()
	}
	r.joinZygote()
	err := r.Pool.Start(ctx)
	if err != nil {
		r.roster.close()
		r.finish()
	}
	return err
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.roster.close()
	r.Pool.Stop(ctx)
	r.finish()
}

// finish lets go of what the workers needed.
func (r *Runner) finish() {
	r.reading.Wait()
	r.leaveZygote()
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	status := modgw.RunnerStatus{Capacity: r.program.workers * r.program.seats}
	status.Busy, status.Queued = r.roster.counts()
	r.Pool.Status(&status)
	if r.attached != nil {
		status.Workers = []modgw.WorkerStatus{r.attached.status(status.Workers)}
	}
	return status
}
