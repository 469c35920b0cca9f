package dev

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Gateway is the gateway behind a Handler.
type Gateway interface {
	http.Handler
	// Find returns the app of a request and its mount.
	Find(*http.Request) (modgw.AppName, modgw.MountPath)
	// AppStatus returns the status of an app.
	AppStatus(modgw.AppName) (modgw.AppStatus, error)
}

// Config configures a Handler.
type Config struct {
	Gateway Gateway // gateway that receives the requests

	// Still is set to leave open pages in browsers alone: they neither follow the code nor get a
	// script.
	Still bool

	// Hold is the maximum time that a request waits for changed code; 0: one minute.
	Hold time.Duration

	// CatchUp returns when Pending was called for every change of an app's files until now, or when
	// ctx is done; nil: there is no such function.
	CatchUp func(ctx context.Context, app modgw.AppName)

	// Log receives messages for developers about their pages; nil discards them.
	Log *slog.Logger
}

// Handler is the development mode of a gateway. Its methods may be called from many goroutines.
// Close it.
type Handler struct {
	config Config
	log    *slog.Logger
	// identifies this run of the host, so that pages from an earlier run know that they are
	// outdated
	run    string
	gate   gate
	closed context.Context // done when requests must stop waiting
	close  context.CancelFunc

	mu      sync.Mutex
	apps    map[modgw.AppName]*app
	pending map[modgw.AppName]func() // releases the watcher's holds
	told    map[string]bool          // messages that were already logged
}

// New returns a handler. It starts no goroutines.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Hold <= 0 {
		c.Hold = time.Minute
	}
	h := &Handler{
		config:  c,
		log:     c.Log,
		run:     strconv.FormatUint(rand.Uint64()|1<<63, 36),
		apps:    map[modgw.AppName]*app{},
		pending: map[modgw.AppName]func(){},
		told:    map[string]bool{},
	}
	h.closed, h.close = context.WithCancel(context.Background())
	return h
}

// Close ends every waiting request and every event stream. Later requests do not wait.
func (h *Handler) Close() { h.close() }

// ServeHTTP answers a request as the gateway does, once the code that it should see is loaded.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(modgw.WithRequestInfo(r.Context(), modgw.RequestInfoOf(r)))
	name, mount := h.config.Gateway.Find(r)
	if h.serveOwn(w, r, name) {
		return
	}
	if name == "" {
		h.config.Gateway.ServeHTTP(w, r)
		return
	}
	v := &visit{handler: h, app: h.app(name), name: name, mount: mount, body: captureBody(r)}
	h.catchUp(r.Context(), name)
	if !h.gate.wait(r.Context(), h.closed, name, h.config.Hold) {
		v.serveLate(w, r)
		return
	}
	v.state = v.app.state()
	if v.state.failure != nil && !v.acceptsOld(r) {
		v.serve(w, r, http.StatusInternalServerError, v.state.failure.Fault)
		return
	}
	r = r.WithContext(modgw.WithDeveloperPage(r.Context(), v.serveFault))
	if h.config.Still || !wantsScript(r) {
		h.config.Gateway.ServeHTTP(w, r)
		return
	}
	in := &injector{ResponseWriter: w, visit: v}
	h.config.Gateway.ServeHTTP(in, r)
	in.finish()
}

// newsTime limits the wait for the event of a saved file when its developer requests the page.
const newsTime = time.Second

// catchUp waits for events that are on their way.
func (h *Handler) catchUp(ctx context.Context, name modgw.AppName) {
	if h.config.CatchUp == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, newsTime)
	defer cancel()
	defer context.AfterFunc(h.closed, cancel)()
	h.config.CatchUp(ctx, name)
}

// Hold holds back requests of an app ("" means all apps) until release is called. It is for the
// time from a request for a new generation until the generation is ready, or has failed.
func (h *Handler) Hold(name modgw.AppName) (release func()) { return h.gate.hold(name) }

// Pending holds back requests of an app ("" means all apps) while the effect of changed files is
// not yet known.
func (h *Handler) Pending(name modgw.AppName, pending bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	release := h.pending[name]
	switch {
	case pending && release == nil:
		h.pending[name] = h.gate.hold(name)
	case !pending && release != nil:
		delete(h.pending, name)
		release()
	}
}

// Observe records the outcome of a deploy.
func (h *Handler) Observe(e modgw.Event) { h.app(e.App).observe(e) }

// Assets makes open pages reload files that the app's code does not read, such as style sheets.
func (h *Handler) Assets(name modgw.AppName, paths []string) {
	if name != "" {
		h.app(name).assets(paths)
		return
	}
	h.mu.Lock()
	all := maps.Clone(h.apps)
	h.mu.Unlock()
	for _, a := range all {
		a.assets(paths)
	}
}

func (h *Handler) app(name modgw.AppName) *app {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.apps[name]
	if a == nil {
		a = newApp()
		h.apps[name] = a
	}
	return a
}

// once reports whether it is called with text for the first time.
func (h *Handler) once(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.told[text]
	h.told[text] = true
	return first
}
