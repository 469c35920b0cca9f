package modgw

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/spool"
)

// Config is the configuration of a Gateway.
type Config struct {
	// Build builds the environment of a descriptor, and may be called repeatedly for the same one.
	// nil gives every app an empty environment.
	Build func(context.Context, Descriptor) (*Environment, error)

	// Runners create the runner for each kind of app. A kind without one is refused at deploy.
	Runners map[Kind]NewRunner

	// Wake is called when an idle app gets a request, on the goroutine of the request, and when the
	// processes of a sleeping app do not run on. It should have the app deployed for the cause, and
	// must not wait for that. nil: idle apps are not woken, and their requests wait.
	Wake func(name AppName, cause string)

	// Dev shows clients the details of errors in an app.
	Dev bool

	// FindMistake finds the mistake in the output of an app that did not start, for its developer.
	// nil: the output is shown as it is.
	FindMistake func(output string, d Descriptor) []Exception

	// Spool keeps parts of bodies for slow clients. nil: nothing is kept.
	Spool *spool.Spool

	// Quota returns the limit of the spool files of an app, in addition to the spool's own; nil: no
	// limit.
	Quota func(Descriptor) *spool.Quota

	// Terminal is passed to runners; nil: there is none.
	Terminal *Terminal

	// Observe is called with the outcome of each deploy, after it applies to requests. It must not
	// block. nil: it is not called.
	Observe func(Event)

	// Begun is called with each request before its runner gets it. It must not wait for anything,
	// and may change the request's header. nil: it is not called.
	Begun func(*http.Request, *RequestInfo)

	// Crowded is called when requests wait for a worker of an app whose number of workers depends
	// on the load, again and again. It must not block. nil: it is not called.
	Crowded func()

	// Ended is called when a request has ended. It must not wait for anything, and the request is
	// its own only until it returns. nil: it is not called.
	Ended func(*http.Request, *RequestInfo, Outcome)

	// Served is called when a request of an app has ended and is counted. It must cost nearly
	// nothing. nil: it is not called.
	Served func()

	// Log receives the gateway's log records; nil discards them.
	Log *slog.Logger
}

// Gateway routes requests to apps, and deploys, swaps and drains their generations. It is an
// [http.Handler] for any server; a request that comes through one of the fronts carries a
// [RequestInfo]. Its methods may be called from many goroutines.
type Gateway struct {
	config Config
	log    *slog.Logger
	routes atomic.Pointer[routes] // nil: they must be rebuilt
	ends   sync.WaitGroup         // goroutines of draining generations and idle watches
	cutOff chan struct{}          // closed when nothing may go on draining

	mu        sync.Mutex
	apps      map[AppName]*App
	locations map[hostMount]*App // hosts and mounts of the apps with a generation
	takeovers map[*App]*takeover // generations that are ready and wait for their places
	closed    bool

	heldAwake atomic.Int32          // see HoldAwake
	sharing   atomic.Int32          // see HoldSharedAwake
	unplaced  atomic.Pointer[Fault] // see SetUnplaced
	unrouted  meter.App             // counts the requests without an app
}

// New makes a gateway without apps. Close it.
func New(c Config) *Gateway {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Quota == nil {
		c.Quota = func(Descriptor) *spool.Quota { return nil }
	}
	if c.Wake == nil {
		c.Wake = func(AppName, string) {}
	}
	if c.Crowded == nil {
		c.Crowded = func() {}
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	if c.Served == nil {
		c.Served = func() {}
	}
	return &Gateway{config: c, log: c.Log, apps: map[AppName]*App{}, locations: map[hostMount]*App{}, takeovers: map[*App]*takeover{}, cutOff: make(chan struct{})}
}

// ServeHTTP hands the request to the app whose host and mount it has, or that a trusted front
// named.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info, r := ensureInfo(r)
	if info.ID == "" {
		info.ID = newRequestID()
	}
	g.callBegun(r, info)
	g.observeEnd(w, r, info, func(w http.ResponseWriter) { g.serve(w, r, info) })
}

// callBegun calls Begun of the configuration, once for each request.
func (g *Gateway) callBegun(r *http.Request, info *RequestInfo) {
	if g.config.Begun != nil && !info.begun {
		info.begun = true
		g.config.Begun(r, info)
	}
}

// serve is ServeHTTP for a request with its info.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, info *RequestInfo) {
	app, fault := g.route(r, info)
	if fault != nil {
		g.log.Info("request without an app", "request", info.ID, "host", r.Host, "path", info.Path, "code", fault.Code)
		status := http.StatusNotFound
		if unplaced := g.unplaced.Load(); unplaced != nil && !g.table().names(r.Host) {
			status, fault = http.StatusServiceUnavailable, unplaced
		}
		ServeFault(w, r, status, fault, g.config.Dev)
		return
	}
	info.app, info.gateway = app, g
	generation, fault := app.acquire(r, info, g.config.Wake)
	if fault != nil {
		g.refuseRequest(w, r, info, http.StatusServiceUnavailable, fault)
		return
	}
	info.generation = generation
	defer func() { info.generation.countOut() }() // it may have moved to another one
	if info.Authorizer && generation.Descriptor.Authorize == nil {
		g.refuseRequest(w, r, info, http.StatusForbidden, noAuthorizer(app.name))
		return
	}
	app.countRequest(generation)
	if !info.Authorizer && generation.serveAlias(w, r, info) {
		return
	}
	app.serve(w, r, info, generation, generation.runner.ServeHTTP)
}

// refuseRequest answers a request that its app does not get.
func (g *Gateway) refuseRequest(w http.ResponseWriter, r *http.Request, info *RequestInfo, status int, fault *Fault) {
	g.log.Warn("request refused", "app", info.app.name, "request", info.ID, "code", fault.Code, "error", fault.Summary)
	ServeFault(w, r, status, fault, g.config.Dev)
}

// SetUnplaced sets the reason why apps are missing whose hosts and mounts are unknown. A request
// that no app answers could be for one of them, so it is answered with 503, unless an app names its
// host. nil: no such app is missing, and the answer is 404.
func (g *Gateway) SetUnplaced(fault *Fault) { g.unplaced.Store(fault) }

// ensureInfo returns the front's RequestInfo, and the request that carries it.
func ensureInfo(r *http.Request) (*RequestInfo, *http.Request) {
	if info, ok := r.Context().Value(requestInfoKey{}).(*RequestInfo); ok {
		return info, r
	}
	info := requestInfoFrom(r)
	return info, r.WithContext(WithRequestInfo(r.Context(), info))
}

// Find returns the app that answers a request, and the path that it is mounted at; "" when none
// does.
func (g *Gateway) Find(r *http.Request) (AppName, MountPath) {
	here := g.table().route(r, RequestInfoOf(r))
	if here == nil {
		return "", ""
	}
	return here.app.name, here.mount
}

// route finds the app and splits the path at its mount.
func (g *Gateway) route(r *http.Request, info *RequestInfo) (*App, *Fault) {
	here := g.table().route(r, info)
	if here == nil {
		return nil, noApp(r.Host, info)
	}
	var ok bool
	info.ScriptName, info.PathInfo, ok = here.split(info.Path)
	info.ScriptName = info.Prefix + info.ScriptName
	if !ok {
		return nil, &Fault{
			Code:    "MGW-REQ-101",
			Summary: fmt.Sprintf("cannot answer: path %q is not below the mount %q of app %q", info.Path, here.mount, here.app.name),
			Hint:    "rewrite the web server's configuration with modgw-host apache config",
		}
	}
	return here.app, nil
}

func noAuthorizer(name AppName) *Fault {
	return &Fault{
		Code:    "MGW-REQ-106",
		Summary: fmt.Sprintf("cannot decide whether a request may pass: app %q has no authorize block", name),
		Hint:    `add authorize { check_password = "module:callable" } to the app, or let the web server ask another one`,
	}
}

func noApp(host string, info *RequestInfo) *Fault {
	if info.App != "" {
		return &Fault{
			Code:    "MGW-REQ-102",
			Summary: fmt.Sprintf("cannot answer: there is no app %q, which the web server asked for", info.App),
			Hint:    "modgw-host status shows the apps; rewrite the web server's configuration with modgw-host apache config",
		}
	}
	return &Fault{
		Code:    "MGW-REQ-103",
		Summary: fmt.Sprintf("cannot answer: no app is mounted at host %q and path %q", host, info.Path),
		Hint:    "modgw-host status shows the apps with their hosts and mounts",
	}
}
