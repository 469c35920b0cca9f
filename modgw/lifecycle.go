package modgw

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Register makes the app of a descriptor known without starting it: it is idle until a request
// wakes it or it is deployed. An app that is known already only gets the new descriptor's hosts and
// mount.
func (g *Gateway) Register(d Descriptor) error {
	_, err := g.enroll(d, AppIdle)
	return err
}

// Expect makes the app of a descriptor known before its deploy, which must follow: its requests
// wait for that. A serving app keeps serving, and other apps may be deployed to the hosts and mount
// that it is going to leave.
func (g *Gateway) Expect(d Descriptor) error {
	app, err := g.enter(d)
	if err == nil {
		app.expect()
		g.plan(app, d) // the deploy makes it its own
	}
	return err
}

// State returns the current state of an app, or "" if it is unknown.
func (g *Gateway) State(name AppName) AppState {
	app, err := g.app(name)
	if err != nil {
		return ""
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	return app.state
}

// Stop ends the workers of an app after their requests; the app answers 503 until it is deployed or
// restarted.
func (g *Gateway) Stop(ctx context.Context, name AppName) error {
	app, err := g.app(name)
	if err != nil {
		return err
	}
	return g.halt(ctx, app)
}

// Remove forgets an app: its requests are answered 404 from now on, and its workers end after the
// requests in flight.
func (g *Gateway) Remove(name AppName) error {
	app, err := g.app(name)
	if err != nil {
		return err
	}
	g.mu.Lock()
	delete(g.apps, name)
	g.routes.Store(nil)
	g.mu.Unlock()
	return g.halt(context.Background(), app) // an app that is forgotten must end
}

// EndStreams ends the event streams and WebSockets of all apps, each app's after its
// Timeouts.WebSocketDrain, as if its generation had been replaced. It is for a host that is about
// to end, whose fronts would otherwise wait for them until their own limit. It returns at once;
// cancel stops it for the rest.
func (g *Gateway) EndStreams() (cancel func()) {
	var timers []*time.Timer
	for _, app := range g.all() {
		if timer := app.endStreams(); timer != nil {
			timers = append(timers, timer)
		}
	}
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}

// EndStreamsOf is EndStreams for one app, which may be unknown. It cannot be taken back.
func (g *Gateway) EndStreamsOf(name AppName) {
	if app, err := g.app(name); err == nil {
		app.endStreams()
	}
}

// endStreams returns a timer that ends the streams of the app's generation soon, or nil.
func (a *App) endStreams() *time.Timer {
	generation := a.current.Load()
	if generation == nil {
		return nil
	}
	return time.AfterFunc(generation.Descriptor.Timeouts.WebSocketDrain, generation.endless.End)
}

// Close ends the workers of all apps after the requests in flight, which ctx bounds. Nothing that
// the gateway started is left when it returns.
func (g *Gateway) Close(ctx context.Context) {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	for _, app := range g.all() {
		// A deploy under way ends with its caller's context, which is over when the gateway is
		// closed.
		_ = g.halt(context.WithoutCancel(ctx), app)
	}
	ended := make(chan struct{})
	go func() {
		g.ends.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		close(g.cutOff)
		<-ended
	}
}

// halt removes the app's current generation and lets it drain on its own.
func (g *Gateway) halt(ctx context.Context, app *App) error {
	if err := app.lockAwake(ctx, WokenByStop); err != nil {
		return fmt.Errorf("cannot stop app %q: %w", app.name, err)
	}
	defer app.unlock()
	app.mu.Lock()
	old := app.current.Swap(nil)
	if old != nil {
		app.previous = old
	}
	app.setStateLocked(AppStopped)
	app.mu.Unlock()
	g.leave(app)
	if old != nil {
		g.drain(app, old, nil)
	}
	return nil
}

// enter returns the app for a deploy of d, made known if it was not.
func (g *Gateway) enter(d Descriptor) (*App, error) { return g.enroll(d, AppStarting) }

func (g *Gateway) enroll(d Descriptor, state AppState) (*App, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("cannot deploy app %q: the host is stopping", d.Name)
	}
	app := g.apps[d.Name]
	switch {
	case app == nil:
		app = newApp(d, state)
		g.apps[d.Name] = app
	case app.current.Load() == nil:
		app.mu.Lock()
		app.routed = d
		app.mu.Unlock()
	default:
		return app, nil // its routes change when the new generation takes over
	}
	g.routes.Store(nil)
	return app, nil
}

// table is the routes of the apps as they are. The first request that needs them makes them, so
// that a thousand apps that are enrolled one after another cost one table and not a thousand.
func (g *Gateway) table() *routes {
	if t := g.routes.Load(); t != nil {
		return t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.routes.Load()
	if t == nil {
		t = newRoutes(g.apps)
		g.routes.Store(t)
	}
	return t
}

func (g *Gateway) app(name AppName) (*App, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if app := g.apps[name]; app != nil {
		return app, nil
	}
	return nil, UnknownApp(name)
}

// all returns the apps, in no order.
func (g *Gateway) all() []*App {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.apps))
}

// UnknownApp is the fault of asking a host for an app that it has not.
func UnknownApp(name AppName) *Fault {
	return &Fault{
		Code:    "MGW-APP-109",
		Summary: fmt.Sprintf("cannot find app %q", name),
		Hint:    "modgw-host status shows the apps",
	}
}
