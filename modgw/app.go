package modgw

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/meter"
)

// AppState is the way in which an app reacts to a request.
type AppState string

// The states of an app.
const (
	AppIdle     AppState = "idle"     // has no generation until a request asks for one
	AppStarting AppState = "starting" // has no generation yet; requests wait
	AppServing  AppState = "serving"  // has a generation
	AppAsleep   AppState = "asleep"   // has a generation that is frozen until a request comes
	AppFailed   AppState = "failed"   // has no generation, and the last try to make one failed
	AppStopped  AppState = "stopped"  // was stopped by its administrator
)

// Serves reports whether requests are answered by a generation that is there, once it is awake.
func (s AppState) Serves() bool { return s == AppServing || s == AppAsleep }

// App is a name, its current generation and the last good one.
type App struct {
	name    AppName
	current atomic.Pointer[Generation] // nil while there is none

	// deploying is held by the one deploy, rollback or stop that is under way.
	deploying chan struct{}

	// The gateway's mutex guards both.
	planned   *Descriptor // descriptor that is being deployed; nil without a deploy
	locations []hostMount // hosts and mounts of the app while it has a generation

	requests atomic.Int64              // ever handed to a generation
	counted  atomic.Pointer[meter.App] // nil before its first request
	values   appvalues.Store           // metrics that its workers make
	failing  failing                   // requests that failed lately
	slow     slowBudget                // slow requests that were logged lately
	records  requestRecords            // requests that were slow or failed
	lastUsed atomic.Int64              // when, as monotonic.Now has it
	elastic  atomic.Bool               // the load decides how many workers it has

	mu       sync.Mutex
	routed   Descriptor // descriptor of which the routes have hosts and mount
	state    AppState
	changed  chan struct{} // closed and replaced when state changes
	waiting  int           // requests that wait for a generation
	failure  *Failure      // failure of the last deploy; nil after a good one
	previous *Generation   // the last good one before current; it may still drain
	count    int           // generations made so far
	inherits bool          // another host serves the app until the first generation is ready
	// App of that host, for the first generation; nil: it inherits nothing
	inherited *Inherited
	draining  map[*Generation]time.Time
	drained   *DrainedStatus // how the last of them ended; nil while none has
	sizing    sizing         // number of workers
	sleep     sleep          // whether it sleeps
}

// Failure is a deploy that did not succeed.
type Failure struct {
	Fault *Fault    // the reason
	Cause string    // why there was a deploy: "views.py changed"
	Time  time.Time // end of the deploy
}

func newApp(d Descriptor, state AppState) *App {
	return &App{
		name:      d.Name,
		deploying: make(chan struct{}, 1),
		routed:    d,
		state:     state,
		changed:   make(chan struct{}),
		draining:  map[*Generation]time.Time{},
	}
}

// descriptor is the one by which the app is routed now.
func (a *App) descriptor() Descriptor {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.routed
}

// lock waits until no other deploy of the app is under way.
func (a *App) lock(ctx context.Context) error {
	select {
	case a.deploying <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *App) unlock() { <-a.deploying }

// expect makes the requests of an app without a generation wait for the first one. It returns the
// state of the app before.
func (a *App) expect() (before AppState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before = a.state
	if a.current.Load() == nil {
		a.setStateLocked(AppStarting)
	}
	return before
}

// stopExpecting returns an app to its state before expect, if the generation did not come.
func (a *App) stopExpecting(before AppState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch before {
	case AppIdle, AppStopped, AppFailed:
		if a.state == AppStarting || a.state == AppFailed {
			a.setStateLocked(before)
		}
	}
}

// swap makes next the current generation, and returns the previous one, or nil.
func (a *App) swap(next *Generation) (old *Generation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old = a.current.Swap(next); old != nil {
		a.previous = old
	}
	a.failure, a.inherits = nil, false
	a.routed = next.Descriptor
	a.setStateLocked(AppServing)
	a.applyScaleLocked()
	return old
}

// setStateLocked changes the state and wakes the requests that wait for a change.
func (a *App) setStateLocked(s AppState) {
	a.state = s
	close(a.changed)
	a.changed = make(chan struct{})
}

// isServed reports whether the app is served now, here or by the host that this one replaces.
func (a *App) isServed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inherits || a.current.Load() != nil
}

// countRequest notes that a request is handed to a generation.
func (a *App) countRequest(g *Generation) {
	a.requests.Add(1)
	if g.Descriptor.Idle.ends() {
		a.lastUsed.Store(int64(monotonic.Now()))
	}
}

// counts counts the app's requests.
func (a *App) counts() *meter.App {
	if c := a.counted.Load(); c != nil {
		return c
	}
	a.counted.CompareAndSwap(nil, new(meter.App))
	return a.counted.Load()
}

// serve has a request answered that is counted in with a generation. The app may answer it by
// naming a file.
func (a *App) serve(
	w http.ResponseWriter, r *http.Request, info *RequestInfo, g *Generation, serve func(http.ResponseWriter, *http.Request),
) {
	if info.Authorizer {
		serve(w, r)
		return
	}
	defer info.gateway.watchSlow(r, info, g)()
	response := &sendfile{ResponseWriter: w, request: r, info: info, generation: g, failing: &a.failing}
	serve(response, r)
	response.end()
}
