package modgw

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Deploy makes a new generation of the descriptor's app and swaps it in: build, start, ready, swap;
// then the old one drains and stops on its own. It returns when the new generation serves, or with
// the reason why it does not: any failure leaves the old generation serving. cause is the reason
// for the deploy, such as "views.py changed".
//
// Deploys of one app wait for each other. A new app is routable as soon as its first deploy begins:
// its requests wait.
func (g *Gateway) Deploy(ctx context.Context, d Descriptor, cause string) error {
	app, err := g.enter(d)
	if err != nil {
		return err
	}
	app.expect()
	return g.replace(ctx, app, cause, d, nil, g.builder(ctx, d))
}

// Retry is Deploy for an app whose last deploy failed: until this one succeeds, its requests are
// still refused at once instead of waiting. Its output is logged if it starts, or fails for a new
// reason.
func (g *Gateway) Retry(ctx context.Context, d Descriptor, cause string) error {
	app, err := g.enter(d)
	if err != nil {
		return err
	}
	return g.replace(ctx, app, cause, d, new(heldOutput), g.builder(ctx, d))
}

// Rollback makes a new generation from the descriptor and the environment of the last good one
// before the current. It does not restore the files of the app. After an error an app that was idle
// or stopped is idle or stopped again.
func (g *Gateway) Rollback(ctx context.Context, name AppName) error {
	app, err := g.app(name)
	if err != nil {
		return err
	}
	app.mu.Lock()
	previous := app.previous
	app.mu.Unlock()
	if previous == nil {
		return &Fault{
			Code:    "MGW-APP-105",
			Summary: fmt.Sprintf("cannot roll back app %q: there is no earlier generation", name),
		}
	}
	before := app.expect()
	cause := fmt.Sprintf("rollback to generation %d", previous.Number)
	err = g.replace(ctx, app, cause, previous.Descriptor, nil, func() (Descriptor, *Environment, error) {
		return previous.Descriptor, previous.Environment, nil
	})
	if err != nil {
		app.stopExpecting(before)
	}
	return err
}

// replace makes a generation of d from the result of choose and swaps it in. Its output until then
// goes to output.
func (g *Gateway) replace(ctx context.Context, app *App, cause string, d Descriptor, output *heldOutput,
	choose func() (Descriptor, *Environment, error)) error {
	if err := app.lockAwake(ctx, WokenByDeploy); err != nil {
		return fmt.Errorf("cannot deploy app %q: %w", app.name, err)
	}
	defer app.unlock()
	if err := app.awaitRoom(ctx); err != nil {
		return fmt.Errorf("cannot deploy app %q: %w", app.name, err)
	}
	app.mu.Lock()
	app.count++
	next := &Generation{
		Number: app.count, Cause: cause, output: output, drained: make(chan struct{}), ended: make(chan struct{}),
	}
	app.mu.Unlock()

	defer g.plan(app, d)()
	if fault := g.roomFor(app, d); fault != nil {
		return g.refuse(ctx, app, next, fault)
	}
	began := time.Now()
	if err := g.prepare(ctx, app, next, choose); err != nil {
		return g.refuse(ctx, app, next, err)
	}
	next.Ready = time.Now()
	next.Took = next.Ready.Sub(began)
	next.output.pass()
	old, err := g.takeOver(ctx, app, next)
	if err != nil {
		next.stop()
		return g.refuse(ctx, app, next, err)
	}
	g.tookOver(app, old, next)
	return nil
}

// prepare fills in the generation and starts its runner. After an error nothing of it is left.
func (g *Gateway) prepare(ctx context.Context, app *App, next *Generation, choose func() (Descriptor, *Environment, error)) error {
	var err error
	if next.Descriptor, next.Environment, err = choose(); err != nil {
		return err
	}
	newRunner := g.config.Runners[next.Descriptor.Kind]
	if newRunner == nil {
		return fmt.Errorf("this host has no runner for apps of kind %q", next.Descriptor.Kind)
	}
	if next.user, err = next.Descriptor.Account(); err != nil {
		return err
	}
	next.aliases = aliasSites(next.Descriptor, next.user, g.log.With("app", next.Descriptor.Name))
	replaces := app.isServed()
	d, size := app.scaled(next.Descriptor)
	config := RunnerConfig{
		Descriptor:  d,
		Environment: next.Environment,
		Generation:  next.Number,
		Dev:         g.config.Dev,
		Replaces:    replaces,
		Few:         !replaces || next.Descriptor.Reload.Strategy == OneByOne,
		Size:        size,
		Crowded:     app.whenElastic(g.config.Crowded),
		Terminal:    g.config.Terminal,
		Values:      &app.values,
		Spool:       g.config.Spool.AccountWithin(next.Descriptor.Spool.Total, g.config.Quota(next.Descriptor)),
	}
	app.inherit(next, &config)
	config.Log = next.output.logger(g.log).With("app", next.Descriptor.Name, "generation", next.Number)
	if next.runner, err = newRunner(config); err != nil {
		return err
	}
	if err := next.runner.Start(ctx); err != nil {
		return err
	}
	if err := g.awaitHealth(ctx, next); err != nil {
		next.stop()
		return err
	}
	return nil
}

// builder returns the descriptor with an environment that is built for it.
func (g *Gateway) builder(ctx context.Context, d Descriptor) func() (Descriptor, *Environment, error) {
	return func() (Descriptor, *Environment, error) {
		if g.config.Build == nil {
			return d, &Environment{}, nil
		}
		env, err := g.config.Build(ctx, d)
		return d, env, err
	}
}

// refuse notes that next will not be, and returns why.
func (g *Gateway) refuse(ctx context.Context, app *App, next *Generation, err error) error {
	var fault *Fault
	if !errors.As(err, &fault) {
		fault = &Fault{Code: "MGW-APP-107", Summary: fmt.Sprintf("cannot deploy app %q", app.name), Err: err}
	}
	fault = fault.Redacted(next.Descriptor.Secrets)
	if g.config.FindMistake != nil && fault.Exceptions == nil {
		shown := *fault
		shown.Exceptions = g.config.FindMistake(fault.Output, next.Descriptor)
		fault = &shown
	}
	// A deploy that was cancelled in favour of a newer one is no failure of the app.
	if ctx.Err() == nil && g.fail(app, fault, next.Number, next.Cause) {
		next.output.discard()
	} else {
		next.output.pass()
	}
	return fault
}

// Refuse records that an app cannot be deployed, for a reason that was found before any deploy,
// such as a mistake in its descriptor. The current generation continues to serve.
func (g *Gateway) Refuse(name AppName, fault *Fault, cause string) {
	if app, err := g.app(name); err == nil {
		g.fail(app, fault, 0, cause)
	}
}

// Fail makes the app of a descriptor known that cannot be deployed, for a reason as in
// [Gateway.Refuse]: its requests are answered 503 until it is deployed or removed. Only the name,
// hosts, mount and file of d are looked at.
func (g *Gateway) Fail(d Descriptor, fault *Fault, cause string) error {
	app, err := g.enter(d)
	if err != nil {
		return err
	}
	g.fail(app, fault, 0, cause)
	return nil
}

// fail notes why a generation was not started, and reports whether that was the reason before, too.
// The number of the generation is 0 when none was tried.
func (g *Gateway) fail(app *App, fault *Fault, number int, cause string) (again bool) {
	failed := Event{App: app.name, Generation: number, Cause: cause, Fault: fault}
	defer func() { g.config.Observe(failed) }()
	app.mu.Lock()
	defer app.mu.Unlock()
	again = app.failure != nil && app.failure.Fault.Error() == fault.Error()
	app.failure = &Failure{Fault: fault, Cause: cause, Time: time.Now()}
	log := g.log.With("app", app.name, "cause", cause, "code", fault.Code)
	switch current := app.current.Load(); {
	case current != nil:
		failed.Serving = current.Number
		log.Error("generation not started, the old one keeps serving", "serving", current.Number, "error", fault.Error())
		return again
	case again: // it is tried again and again
		log.Error("generation not started, for the same reason as before")
	default:
		log.Error("generation not started, the app has none", "error", fault.Error())
	}
	if app.state == AppStarting {
		app.setStateLocked(AppFailed)
	}
	return again
}

// tookOver reports a generation that answers all requests from now on. The one before it, if there
// is one, drains and stops on its own.
func (g *Gateway) tookOver(app *App, old, next *Generation) {
	g.log.Info("generation ready", "app", app.name, "generation", next.Number, "cause", next.Cause,
		"took", next.Took.Round(time.Millisecond).String())
	g.watchIdle(app, next)
	ready := Event{App: app.name, Generation: next.Number, Cause: next.Cause, Took: next.Took, Serving: next.Number}
	if old != nil {
		ready.Draining = old.inFlight()
		g.drain(app, old, next.expand)
		old.endless.Move()
	} else {
		next.expand()
	}
	g.config.Observe(ready)
}
