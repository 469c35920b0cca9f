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
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/logbudget"
	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/accesslog"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/dev"
	"github.com/modgw/modgw/modgw/front/certs"
	"github.com/modgw/modgw/modgw/history"
	"github.com/modgw/modgw/modgw/logbook"
	"github.com/modgw/modgw/modgw/metrics"
	"github.com/modgw/modgw/modgw/mistake"
	"github.com/modgw/modgw/modgw/probe"
	"github.com/modgw/modgw/modgw/runner/cgi"
	"github.com/modgw/modgw/modgw/runner/fastcgi"
	"github.com/modgw/modgw/modgw/runner/process"
	"github.com/modgw/modgw/modgw/runner/python"
	"github.com/modgw/modgw/modgw/runner/static"
	"github.com/modgw/modgw/modgw/scaling"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/tracing"
	"github.com/modgw/modgw/reload"
	"github.com/modgw/modgw/venv"
)

// Host runs apps from descriptors. Make it with [New].
type Host struct {
	config    Config
	log       *slog.Logger
	book      *logbook.Book
	archives  atomic.Pointer[logbook.Archives] // nil until Run, and where no records are kept
	budgets   *logbudget.Handler
	metrics   *metrics.Metrics
	samples   sampleStore
	history   *history.History
	api       *control.Server
	dashboard *openDashboard
	gateway   *modgw.Gateway
	dev       *dev.Handler // nil outside development
	builder   *venv.Builder
	watcher   *reload.Watcher
	started   time.Time
	unused    *collector
	spool     *spool.Spool
	disks     disks

	counting sync.Mutex                  // held while the disk is counted
	counts   map[modgw.AppName]diskCount // results of the last countings
	stop     chan struct{}               // closed by Shutdown
	shutdown sync.Once
	probes   *probe.Answerer
	tracer   *tracing.Tracer // nil: no request is traced
	scaling  *scaling.Controller

	succession   succession   // state for the replacement of this host
	predecessors predecessors // hosts that this one has replaced
	ownsState    atomic.Bool  // no other host serves, so that the state folder may be changed

	// inherited has the states of the apps on the host that is replaced, or is nil.
	inherited map[modgw.AppName]modgw.AppState

	worker python.Files // set by Run, before any deploy

	reconcileLock sync.Mutex             // held while descriptors are read and applied
	descriptors   map[modgw.AppName]bool // names of interests in descriptors; under reconcileLock
	unread        map[string]bool        // files broken since the start; under reconcileLock
	lastGood      *lastGood
	claims        claims.Store

	mu            sync.Mutex
	file          modgw.HostFile // Apps, Sources, Tenants and Admins change after New
	fileMistake   *modgw.Fault   // mistake in the file as it is since New; nil: it can be used
	defaults      *loader.Defaults
	files         []*loader.File
	filesRead     time.Time      // when files were read
	claimed       []claims.Claim // claims of all apps; replaced with reconcileLock held
	apps          map[modgw.AppName]*managedApp
	stores        []*certs.Store                // certificates of the fronts; nil before Run
	impersonators map[string]bool               // users and addresses that were warned of
	blocked       map[modgw.AppName]bool        // apps whose place another app still has
	failing       map[modgw.AppName]bool        // apps in the gateway that have no reconciler
	outside       loadedOutside                 // files of code outside the roots of apps
	accessLog     atomic.Pointer[accesslog.Log] // nil if it is empty
	loops         loops                         // serve ordinary requests
	audit         kernelaudit.Prober            // checks which denials the kernel reports
	reconciling   context.Context               // ends reconcilers; nil before Run and after it
}

// managedApp is an app of this host with the reconciler that makes its generations.
type managedApp struct {
	reconciler *reconciler
	cancel     context.CancelFunc
	ended      chan struct{}
}

// New returns a host and reads the host's own file. It starts nothing and opens nothing.
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
		config:        c,
		book:          logbook.New(),
		started:       time.Now(),
		stop:          make(chan struct{}),
		apps:          map[modgw.AppName]*managedApp{},
		failing:       map[modgw.AppName]bool{},
		blocked:       map[modgw.AppName]bool{},
		impersonators: map[string]bool{},
		outside:       loadedOutside{},
	}
	h.budgets = logbudget.NewHandler(logbook.NewHandler(h.book, c.Log.Handler()), logBudgets)
	h.log = slog.New(h.budgets)
	if h.file, h.defaults, err = h.readFile(); err != nil {
		return nil, err
	}
	h.disks.logs = func(user string) int64 { return h.archives.Load().Used(user) }
	h.lastGood, h.claims = newLastGood(h.State(), h.log), claims.StoreIn(h.State())
	h.builder = venv.New(venv.Config{
		State: cmp.Or(c.Environments, h.State()), Log: h.log, Kept: h.disks.kept, Measured: h.disks.measured,
	})
	h.spool = h.newSpool()
	h.unused = newCollector(h.State(), h.collect)
	if h.watcher, err = reload.New(reload.Config{Log: h.log, Changed: h.changed, Pending: h.pending, Canary: h.State()}); err != nil {
		return nil, err
	}
	h.history = history.New(history.Config{Read: h.readFigures, Shape: h.shape})
	gateway := modgw.Config{
		Build:   h.build,
		Runners: h.runners(),
		Wake:    h.wake,
		Observe: h.observe,
		Served:  h.history.Served,
		Crowded: func() { h.scaling.Crowded() },
		Spool:   h.spool,
		Quota:   h.disks.quota,
		Log:     h.log,
	}
	if c.Dev != nil {
		gateway.Dev, gateway.Terminal, gateway.FindMistake = true, c.Dev.Terminal, mistake.Find
	}
	if h.file.AccessLog != nil || h.file.Tracing != nil {
		gateway.Ended = h.requestEnded
	}
	if settings := h.file.Tracing; settings != nil {
		h.tracer = tracing.New(tracing.Config{Settings: *settings, Version: c.Version, Log: h.log})
		gateway.Begun = h.tracer.Begin
	}
	h.gateway = modgw.New(gateway)
	if c.Predecessor != nil {
		h.predecessors.release, h.inherited = h.gateway.HoldAwake(), statesOf(c.Predecessor.State())
	}
	h.scaling = scaling.New(scaling.Config{
		Loads: h.gateway.Loads, Resize: h.gateway.Resize, Usage: proc.CPUTime, Log: h.log,
	})
	h.metrics = h.newMetrics()
	h.probes = probe.New(h.gateway.Find)
	h.api = &control.Server{Host: h, Log: h.log, Audit: control.AuditIn(h.State())}
	h.dashboard = h.newDashboard(h.api)
	if c.Dev != nil {
		h.dev = dev.New(dev.Config{Gateway: h.gateway, Still: c.Dev.Still, CatchUp: h.catchUp, Log: h.log})
	}
	return h, nil
}

// ServeHTTP answers a request as the fronts do, for programs that have listeners of their own.
// Run must be running.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler().ServeHTTP(w, r) }

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
func (h *Host) Shutdown() { h.shutdown.Do(func() { close(h.stop) }) }

// runners make the generations' runners, by kind.
func (h *Host) runners() map[modgw.Kind]modgw.NewRunner {
	kinds := map[modgw.Kind]modgw.NewRunner{
		modgw.KindFastCGI: func(c modgw.RunnerConfig) (modgw.Runner, error) { return fastcgi.New(c) },
		modgw.KindWSGI:    h.newPython,
		modgw.KindASGI:    h.newPython,
		modgw.KindGo:      func(c modgw.RunnerConfig) (modgw.Runner, error) { return process.New(c) },
		modgw.KindHTTP:    func(c modgw.RunnerConfig) (modgw.Runner, error) { return process.New(c) },
		modgw.KindCGI:     func(c modgw.RunnerConfig) (modgw.Runner, error) { return cgi.New(c) },
		modgw.KindStatic:  func(c modgw.RunnerConfig) (modgw.Runner, error) { return static.New(c) },
	}
	for kind, newRunner := range kinds {
		kinds[kind] = func(c modgw.RunnerConfig) (modgw.Runner, error) {
			c.Private, c.Audit = h.privateFolder(c.Descriptor.Name), &h.audit
			return newRunner(c)
		}
	}
	return kinds
}

// removePrivate removes an app's private files.
func (h *Host) removePrivate(name modgw.AppName) {
	if err := os.RemoveAll(h.privateFolder(name)); err != nil {
		h.log.Warn("temporary files of an app not removed", "app", name, "error", err)
	}
}

// privateFolder returns the folder for an app's private files.
func (h *Host) privateFolder(name modgw.AppName) string {
	return filepath.Join(h.State(), "private", string(name))
}

func (h *Host) newPython(c modgw.RunnerConfig) (modgw.Runner, error) {
	c.Loop, c.Telemetry = h.loops.of(c.Descriptor.Name), h.telemetry()
	return python.New(c, h.worker)
}

// build builds an environment. Then it informs the app's reconciler, because code is read next.
func (h *Host) build(ctx context.Context, d modgw.Descriptor) (*modgw.Environment, error) {
	if d.Attach {
		return &modgw.Environment{}, nil // the worker brings its own
	}
	log, r := h.log.With("app", d.Name), h.reconciler(d.Name)
	began, built := monotonic.Now(), false
	env, err := h.builder.Build(ctx, d, func(s venv.Step) {
		built = true
		if s.Output {
			// An error has the end of this output.
			log.Debug(modgw.AppLine, "line", s.Text, "stream", "build")
			return
		}
		if r == nil || r.isNewStep(s.Text) {
			log.Info("environment: " + s.Text)
		}
	})
	if built && ctx.Err() == nil {
		h.metrics.EnvironmentBuilt(d.Name, monotonic.Now()-began, err)
	}
	if err != nil {
		return nil, err
	}
	h.unused.wake()
	if r != nil {
		r.environmentBuilt()
	}
	return env, nil
}

// wake deploys an app that is idle, or does not wake up.
func (h *Host) wake(name modgw.AppName, cause string) {
	if r := h.reconciler(name); r != nil {
		r.request(deployRequest{class: reload.Code, cause: cause})
	}
}

func (h *Host) reconciler(name modgw.AppName) *reconciler {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.apps[name]; m != nil {
		return m.reconciler
	}
	return nil
}

var _ control.Host = (*Host)(nil)
