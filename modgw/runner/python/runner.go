package python

import (
	"context"
	"net/http"
	"os"
	"sync"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/asgi"
	"github.com/modgw/modgw/modgw/runner/python/attach"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/wsgi"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// server gives the requests of an app to its workers.
type server interface {
	modgw.LoopRunner

	// Connect makes the connections that carry requests to a worker. files are the worker's ends,
	// also after an error.
	Connect(w *control.Worker) (c control.Connections, files []*os.File, err error)

	// Expect adds n to the number of workers that are ready or will be soon.
	Expect(n int)

	// Close refuses all requests from now on.
	Close()

	// Counts returns how many requests are executed and how many wait.
	Counts() (busy, queued int)
}

var (
	_ server = (*wsgi.Server)(nil)
	_ server = (*wsgi.GeventServer)(nil)
	_ server = (*asgi.Server)(nil)
)

// Runner runs a WSGI or ASGI app. It implements [modgw.Runner].
type Runner struct {
	*workers.Pool
	app      *request.App
	server   server
	files    Files
	user     *account.Account // nil: the host's own
	settings kindSettings
	sandbox  *workers.Sandbox // confines workers and template; nil: nothing does
	listener *attach.Listener // accepts the worker; nil: workers are started
	// workers are forked from its template; nil: each is started on its own
	zygote *zygote.Zygote
	loop   *eventloop.Loop // its own; nil: the host has given it one

	reading sync.WaitGroup // readers of workers' connections; only the pool's goroutines add to it
}

var (
	_ modgw.Runner     = (*Runner)(nil)
	_ modgw.Expander   = (*Runner)(nil)
	_ modgw.Resizer    = (*Runner)(nil)
	_ modgw.Sleeper    = (*Runner)(nil)
	_ modgw.LoopRunner = (*Runner)(nil)
	_ mux.Successor    = (*Runner)(nil)
)

// New returns a runner that uses the worker code in files. It starts nothing.
func New(config modgw.RunnerConfig, files Files) (*Runner, error) {
	d := config.Descriptor
	if d.Attach {
		d = attach.Descriptor(d, usualThreads)
		config.Descriptor = d
	}
	settings, err := kindSettingsOf(config)
	if err != nil {
		return nil, err
	}
	user, err := d.Account()
	if err != nil {
		return nil, err
	}
	r := &Runner{files: files, user: user, settings: settings, sandbox: workers.NewSandbox(config, user, files.Dir)}
	r.app = &request.App{RunnerConfig: config, Attached: d.Attach}
	switch {
	case settings.asgi:
		r.server = asgi.New(r.app, mux.Config{
			Requests: settings.requests, WebSockets: settings.webSockets, Share: true,
			Resume: settings.resume,
		})
	case settings.gevent:
		r.server = wsgi.NewGevent(r.app, settings.requests)
	default:
		r.server = wsgi.New(r.app, settings.connections)
	}
	r.Pool = workers.New(workers.Config{
		Runner:    config,
		User:      user,
		Count:     settings.workers,
		NewDriver: func(w *workers.Worker) workers.Driver { return r.newWorker(w, r.zygote.Pick()) },
		Expect:    r.server.Expect,
		Sandbox:   r.sandbox,
	})
	r.app.Pool = r.Pool
	if d.Attach {
		r.app.Unplaced = r.unattached
		r.listener = r.newListener()
	}
	return r, nil
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.server.ServeHTTP(w, req) }

// Loop implements [modgw.LoopRunner].
func (r *Runner) Loop() *eventloop.Loop { return r.server.Loop() }

// ServeOnLoop implements [modgw.LoopRunner].
func (r *Runner) ServeOnLoop(x modgw.LoopExchange) bool { return r.server.ServeOnLoop(x) }

// Resumes implements [mux.Successor].
func (r *Runner) Resumes() *mux.Server {
	if s, ok := r.server.(mux.Successor); ok {
		return s.Resumes()
	}
	return nil
}

// Start implements [modgw.Runner].
func (r *Runner) Start(ctx context.Context) error {
	if err := r.openLoop(); err != nil {
		return err
	}
	r.shareBodies()
	if r.listener != nil {
		err := r.awaitAttached()
		if err != nil {
			r.finish()
		}
		return err
	}
	r.joinZygote()
	err := r.Pool.Start(ctx)
	if err != nil {
		r.server.Close()
		r.finish()
	}
	return err
}

// openLoop opens a loop for the connections to the workers, unless the host has given one.
func (r *Runner) openLoop() (err error) {
	if r.app.ConnLoop = r.app.Loop; r.app.ConnLoop == nil {
		r.loop, err = eventloop.New()
		r.app.ConnLoop = r.loop
	}
	return err
}

// Sleep implements [modgw.Sleeper]. A template from which no worker was forked ends: it takes as
// much memory as a worker, and the next worker of the app can do without it.
func (r *Runner) Sleep(ctx context.Context) error {
	err := r.Pool.Sleep(ctx)
	if err == nil && r.zygote != nil {
		r.zygote.Rest(r.zygoteApp())
	}
	return err
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.server.Close()
	r.Pool.Stop(ctx)
	r.finish()
}

// finish releases the resources of the workers.
func (r *Runner) finish() {
	r.reading.Wait()
	r.leaveZygote()
	if r.app.Bodies != nil {
		r.app.Bodies.Close()
	}
	if r.loop != nil {
		r.loop.Close()
	}
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	status := modgw.RunnerStatus{Capacity: r.Size() * r.settings.requests}
	status.Busy, status.Queued = r.server.Counts()
	r.Pool.Status(&status)
	if r.listener != nil {
		status.Workers = []modgw.WorkerStatus{r.listener.Status(status.Workers)}
	}
	return status
}
