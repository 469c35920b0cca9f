package host

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/logbudget"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/dev"
	"github.com/modgw/modgw/modgw/runner/cgi"
	"github.com/modgw/modgw/modgw/runner/fastcgi"
	"github.com/modgw/modgw/modgw/runner/process"
	"github.com/modgw/modgw/modgw/runner/python"
	"github.com/modgw/modgw/modgw/runner/static"
	"github.com/modgw/modgw/reload"
	"github.com/modgw/modgw/venv"
)

// Host runs apps from descriptors. Make it with [New].
type Host struct {
	config  Config
	log     *slog.Logger
	book    *logbook
	gateway *modgw.Gateway
	dev     *dev.Handler // nil outside development
	builder *venv.Builder
	watcher *reload.Watcher
	started time.Time
	unused  *collector
	stop    chan struct{} // closed by Shutdown
	halt    sync.Once

	worker python.Files // set by Run, before any deploy

	reconciling sync.Mutex             // held from reading descriptors until the apps are what they say
	descriptors map[modgw.AppName]bool // the interests in descriptors; reconciling is held
	unread      map[string]bool        // files broken from the start; nil before it; reconciling is held
	lastGood    *lastGood
	claims      claims.Store

	mu       sync.Mutex
	file     modgw.HostFile // only Apps and Sources change after New
	defaults *loader.Defaults
	files    []*loader.File
	asOf     time.Time      // when files were read
	held     []claims.Claim // what each app has; only with reconciling held is it replaced
	apps     map[modgw.AppName]*tenant
	posers   map[string]bool            // users and addresses of which warnOfPoser has told
	blocked  map[modgw.AppName]bool     // apps that are to be where another one is that has not left yet
	failing  map[modgw.AppName]bool     // apps that the gateway knows and that have no tenant
	outside  map[modgw.AppName][]string // code that apps have loaded from outside their roots
	loop     *eventloop.Loop            // serves ordinary requests; nil before Run
	running  context.Context            // that of the tenants; nil before Run and after it
}

// tenant is an app on this host and the goroutine that keeps it.
type tenant struct {
	keeper *keeper
	cancel context.CancelFunc
	ended  chan struct{}
}

// New makes a host and reads the host's own file. It starts nothing and opens nothing.
func New(c Config) (*Host, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.State != "" {
		if c.State, err = filepath.Abs(c.State); err != nil {
			return nil, err
		}
	}
	h := &Host{
		config:  c,
		book:    newLogbook(),
		started: time.Now(),
		stop:    make(chan struct{}),
		apps:    map[modgw.AppName]*tenant{},
		failing: map[modgw.AppName]bool{},
		blocked: map[modgw.AppName]bool{},
		posers:  map[string]bool{},
		outside: map[modgw.AppName][]string{},
	}
	h.log = slog.New(logbudget.NewHandler(&bookHandler{book: h.book, next: c.Log.Handler()}, logBudgets))
	if h.file, h.defaults, err = h.readFile(); err != nil {
		return nil, err
	}
	h.lastGood, h.claims = newLastGood(h.State(), h.log), claims.StoreIn(h.State())
	h.builder = venv.New(venv.Config{State: cmp.Or(c.Environments, h.State()), Log: h.log})
	h.unused = newCollector(h.State(), h.collect)
	if h.watcher, err = reload.New(reload.Config{Log: h.log, Changed: h.changed, Pending: h.pending, Canary: h.State()}); err != nil {
		return nil, err
	}
	h.gateway = modgw.New(modgw.Config{
		Build:    h.build,
		Runners:  h.runners(),
		Wake:     h.wake,
		Observe:  h.observe,
		Dev:      c.Dev,
		Terminal: c.Terminal,
		Spool:    h.newSpool(),
		Log:      h.log,
	})
	if c.Dev {
		h.dev = dev.New(dev.Config{Gateway: h.gateway, Still: c.Still, CatchUp: h.catchUp, Log: h.log})
	}
	return h, nil
}

// ServeHTTP answers a request as the fronts do. It is for programs with listeners of their own, while Run runs.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.entrance().ServeHTTP(w, r) }

// State is the host's state folder.
func (h *Host) State() string {
	return cmp.Or(h.config.State, h.file.State, DefaultState(os.Getuid()))
}

// Control is the address of the host's control socket.
func (h *Host) Control() modgw.Address {
	return cmp.Or(h.config.Control, modgw.Address(h.file.Control), ControlAddress(h.State()))
}

// Listeners are the addresses that the host's fronts listen on.
func (h *Host) Listeners() []modgw.Listener {
	listeners := h.file.Listeners
	if len(h.config.Listeners) > 0 {
		listeners = h.config.Listeners
	}
	return slices.Concat(listeners, h.config.Further)
}

// Shutdown makes Run end. It may be called again.
func (h *Host) Shutdown() { h.halt.Do(func() { close(h.stop) }) }

// runners make the generations' runners, by kind.
func (h *Host) runners() map[modgw.Kind]modgw.NewRunner {
	return map[modgw.Kind]modgw.NewRunner{
		modgw.KindFastCGI: func(c modgw.RunnerConfig) (modgw.Runner, error) {
			return fastcgi.New(c, h.programSockets())
		},
		modgw.KindWSGI:   h.newPython,
		modgw.KindASGI:   h.newPython,
		modgw.KindGo:     func(c modgw.RunnerConfig) (modgw.Runner, error) { return process.New(c) },
		modgw.KindHTTP:   func(c modgw.RunnerConfig) (modgw.Runner, error) { return process.New(c) },
		modgw.KindCGI:    func(c modgw.RunnerConfig) (modgw.Runner, error) { return cgi.New(c) },
		modgw.KindStatic: func(c modgw.RunnerConfig) (modgw.Runner, error) { return static.New(c) },
	}
}

func (h *Host) newPython(c modgw.RunnerConfig) (modgw.Runner, error) {
	c.Loop = h.loop
	return python.New(c, h.worker)
}

// programSockets is the folder for the sockets of FastCGI programs.
func (h *Host) programSockets() string { return filepath.Join(h.State(), "fastcgi") }

// build makes an environment and tells the app's keeper that its code is about to be read.
func (h *Host) build(ctx context.Context, d modgw.Descriptor) (*modgw.Environment, error) {
	if d.Attach {
		return &modgw.Environment{}, nil // the worker brings its own
	}
	log, k := h.log.With("app", d.Name), h.keeper(d.Name)
	env, err := h.builder.Build(ctx, d, func(s venv.Step) {
		if s.Output {
			log.Debug(modgw.AppLine, "line", s.Text, "stream", "build") // an error has the end of it
			return
		}
		if k == nil || k.isNewStep(s.Text) {
			log.Info("environment: " + s.Text)
		}
	})
	if err != nil {
		return nil, err
	}
	h.unused.nudge()
	if k != nil {
		k.built()
	}
	return env, nil
}

// wake deploys an idle app that got a request.
func (h *Host) wake(name modgw.AppName) {
	if k := h.keeper(name); k != nil {
		k.order(order{class: reload.Code, cause: "first request"})
	}
}

func (h *Host) keeper(name modgw.AppName) *keeper {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.apps[name]; t != nil {
		return t.keeper
	}
	return nil
}

var _ control.Host = (*Host)(nil)
