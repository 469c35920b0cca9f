package modgw

import (
	"context"
	"fmt"
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
	locations []hostMount  // hosts and mounts of the app while it has a generation

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
	previous *Generation   // the last good one before current; its workers have ended
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

// mostDraining is the number of draining generations of an app after which the next deploy waits
// for one of them, so that repeated saves during long requests do not fill the machine with old
// workers.
const mostDraining = 2

// awaitRoom waits until fewer generations drain.
func (a *App) awaitRoom(ctx context.Context) error {
	for {
		oldest := a.oldestDraining()
		if oldest == nil {
			return nil
		}
		select {
		case <-oldest.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// oldestDraining is the generation that has drained longest; nil while there is room for more.
func (a *App) oldestDraining() (oldest *Generation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.draining) < mostDraining {
		return nil
	}
	for g := range a.draining {
		if oldest == nil || g.Number < oldest.Number {
			oldest = g
		}
	}
	return oldest
}

// expect makes the requests of an app without a generation wait for the first one.
func (a *App) expect() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current.Load() == nil {
		a.setStateLocked(AppStarting)
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

// acquire returns the current generation, with the request counted. If there is none, it wakes an
// idle app and waits for the first one, as it waits for a sleeping app, within the limits of the
// app's queue. The fault is the reason why there is none.
func (a *App) acquire(r *http.Request, info *RequestInfo, wake func(AppName)) (*Generation, *Fault) {
	for {
		// A generation that is retired between the two calls has been replaced already.
		if g := a.current.Load(); g != nil && g.begin() {
			return g, nil
		}
		if fault := a.await(r, info, wake); fault != nil {
			return nil, fault
		}
	}
}

// await returns nil when it is worth looking for a generation again.
func (a *App) await(r *http.Request, info *RequestInfo, wake func(AppName)) *Fault {
	a.mu.Lock()
	if a.state != AppAsleep && a.current.Load() != nil {
		a.mu.Unlock()
		return nil
	}
	switch a.state {
	case AppFailed:
		defer a.mu.Unlock()
		return a.failure.Fault
	case AppStopped:
		defer a.mu.Unlock()
		return &Fault{
			Code:    "MGW-APP-101",
			Summary: fmt.Sprintf("cannot answer: app %q was stopped", a.name),
			Hint:    fmt.Sprintf("start it with: modgw-host restart %s", a.name),
		}
	}
	// The app starts or wakes even if this request cannot wait for it.
	idle, asleep := a.state == AppIdle, a.state == AppAsleep
	switch {
	case idle:
		a.setStateLocked(AppStarting)
	case asleep:
		a.sleep.rouse(Awakening{Cause: WokenByRequest, Request: newSuspect(r, info)})
	}
	// Waking takes a moment. After that the workers' queue limits the waiting requests.
	queue := a.routed.Queue
	full := !asleep && a.waiting >= queue.Max
	if !full {
		a.waiting++
	}
	changed := a.changed
	a.mu.Unlock()
	if idle {
		wake(a.name)
	}
	if full {
		return &Fault{
			Code:    "MGW-APP-102",
			Summary: fmt.Sprintf("cannot queue another request: app %q is still starting and its queue is full", a.name),
			Hint:    "raise queue.max, or find out with modgw-host status what the start waits for",
		}
	}
	return a.awaitChange(r.Context(), changed, queue.Timeout, asleep)
}

// awaitChange waits until the app, which starts or wakes up, has another state.
func (a *App) awaitChange(ctx context.Context, changed <-chan struct{}, limit time.Duration, wakes bool) *Fault {
	defer func() {
		a.mu.Lock()
		a.waiting--
		a.mu.Unlock()
	}()
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return &Fault{Code: "MGW-APP-103", Summary: "cannot answer: the client has gone", Err: context.Cause(ctx)}
	case <-expired:
		fault := &Fault{
			Code:    "MGW-APP-104",
			Summary: fmt.Sprintf("cannot answer: app %q was still starting after %s", a.name, limit),
			Hint:    "raise queue.timeout, or find out with modgw-host status what the start waits for",
		}
		if wakes {
			fault.Summary = fmt.Sprintf("cannot answer: app %q was still waking up after %s", a.name, limit)
			fault.Hint = "its memory may come back from a slow swap, or the machine be overloaded; raise queue.timeout"
		}
		return fault
	}
}
