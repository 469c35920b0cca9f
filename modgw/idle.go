package modgw

import (
	"context"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// ends reports whether an app without requests does not go on as it is.
func (i Idle) ends() bool { return i.SleepAfter > 0 || i.StopAfter > 0 }

// idleWatch puts a generation without requests to sleep, or stops its workers, as its descriptor
// requires. Only its goroutine puts the app to sleep and wakes it.
type idleWatch struct {
	gateway    *Gateway
	app        *App
	generation *Generation
	idle       Idle
	sleeper    Sleeper // nil: it stays awake
}

// watchIdle watches a generation that has taken over. Nothing runs for an app that neither sleeps
// nor is stopped.
func (g *Gateway) watchIdle(app *App, generation *Generation) {
	w := &idleWatch{gateway: g, app: app, generation: generation, idle: generation.Descriptor.Idle}
	if w.idle.SleepAfter > 0 {
		w.findSleeper()
	}
	if w.sleeper == nil {
		w.idle.SleepAfter = 0
	}
	if !w.idle.ends() {
		return
	}
	app.lastUsed.Store(int64(monotonic.Now()))
	g.ends.Go(w.run)
}

// findSleeper finds the mechanism that freezes the processes of the generation, or logs why there
// is none.
func (w *idleWatch) findSleeper() {
	s, ok := w.generation.runner.(Sleeper)
	if ok && w.generation.runner.Status().Sleep["freeze"] != MeansNone {
		w.sleeper = s
		return
	}
	fault := &Fault{
		Code:    "MGW-APP-116",
		Summary: "cannot freeze the processes of the app, which stays awake",
		Hint:    "run the host as root, or under systemd with Delegate=yes; the processes of attach and fastcgi { connect } are not the host's",
	}
	w.gateway.log.Warn("app stays awake", "app", w.app.name, "generation", w.generation.Number, "code", fault.Code, "error", fault.Error())
}

// MeansNone is the mechanism of a feature that is not available on a machine; see [RunnerStatus].
const MeansNone = "none"

// run returns when the generation was stopped or replaced.
func (w *idleWatch) run() {
	timer := time.NewTimer(w.firstLimit())
	defer timer.Stop()
	for {
		select {
		case <-w.generation.drained:
			return
		case <-w.gateway.cutOff:
			return
		case <-timer.C:
		}
		unused := w.unusedFor()
		switch {
		case w.idle.StopAfter > 0 && unused >= w.idle.StopAfter:
			w.gateway.rest(w.app, w.generation, w.idle.StopAfter)
			return
		case w.idle.SleepAfter > 0 && unused >= w.idle.SleepAfter:
			timer.Reset(w.sleep(unused))
		default:
			timer.Reset(max(w.firstLimit()-unused, w.interval()))
		}
	}
}

// firstLimit returns the time without a request after which something must be done.
func (w *idleWatch) firstLimit() time.Duration {
	if w.idle.SleepAfter > 0 && w.idle.StopAfter > 0 {
		return min(w.idle.SleepAfter, w.idle.StopAfter)
	}
	return w.idle.SleepAfter + w.idle.StopAfter
}

// interval returns the shortest interval between two looks.
func (w *idleWatch) interval() time.Duration { return min(time.Second, w.firstLimit()) }

// unusedFor returns how long the generation has had no request.
func (w *idleWatch) unusedFor() time.Duration {
	now := monotonic.Now()
	if w.generation.inFlight() > 0 {
		w.app.lastUsed.Store(int64(now))
	}
	return now - time.Duration(w.app.lastUsed.Load())
}

// rest makes the app idle again, unless a newer generation has taken over meanwhile.
func (g *Gateway) rest(app *App, generation *Generation, limit time.Duration) {
	_ = app.lock(context.Background()) // it fails only when a context ends
	defer app.unlock()
	app.mu.Lock()
	if !app.current.CompareAndSwap(generation, nil) {
		app.mu.Unlock()
		return
	}
	app.setStateLocked(AppIdle)
	app.mu.Unlock()
	g.leave(app)
	g.log.Info("app idle, workers stopped", "app", app.name, "generation", generation.Number, "after", limit.String())
	g.drain(app, generation, nil)
}
