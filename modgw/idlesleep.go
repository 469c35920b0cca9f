package modgw

import (
	"context"
	"errors"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// sleep has the app sleep until it is woken, and returns when to look at it again.
func (w *idleWatch) sleep(unused time.Duration) (again time.Duration) {
	select {
	case w.app.deploying <- struct{}{}:
	default:
		return w.interval() // a deploy is under way
	}
	ctx, rise := w.fallAsleep()
	if ctx == nil {
		w.app.unlock()
		return w.interval()
	}
	began, before := time.Now(), w.memory()
	err := w.sleeper.Sleep(ctx)
	w.app.unlock()
	if err != nil {
		w.stayAwake(err, rise)
		return w.firstLimit()
	}
	w.gateway.log.Info("app asleep", "app", w.app.name, "generation", w.generation.Number, "unused", unused.Round(time.Second).String(),
		"took", time.Since(began).Round(time.Millisecond).String(), "memory", w.memory(), "before", before)
	by := w.awaitRise(rise, unused)
	w.rise(by, time.Now())
	if by.Cause == WokenByIdle {
		return 0 // to stop it
	}
	return w.firstLimit()
}

// HoldAwake prevents all apps from falling asleep until release: another host may take over its
// workers. A sleeping app is not woken. release must be called once.
func (g *Gateway) HoldAwake() (release func()) {
	g.heldAwake.Add(1)
	return func() { g.heldAwake.Add(-1) }
}

// HoldSharedAwake is HoldAwake only for apps whose workers may belong to an earlier host, which may
// have requests on them.
func (g *Gateway) HoldSharedAwake() (release func()) {
	g.sharing.Add(1)
	return func() { g.sharing.Add(-1) }
}

// isHeldAwake reports whether another host may use or take the workers of a generation.
func (g *Gateway) isHeldAwake(generation *Generation) bool {
	return g.heldAwake.Load() > 0 || generation.inherits && g.sharing.Load() > 0
}

// fallAsleep prevents new requests from beginning. If it returns no context, it has done nothing,
// because the app is busy or has another generation. The app is locked.
func (w *idleWatch) fallAsleep() (ctx context.Context, rise <-chan Awakening) {
	a := w.app
	a.mu.Lock()
	defer a.mu.Unlock()
	// Responses that move from a draining generation must not find a sleeping one.
	if w.gateway.isHeldAwake(w.generation) || a.current.Load() != w.generation || len(a.draining) > 0 ||
		!w.generation.fallAsleep() {
		return nil, nil
	}
	ctx, rise = a.sleep.begin()
	a.sleep.since = time.Now()
	a.setStateLocked(AppAsleep)
	return ctx, rise
}

// stayAwake records that the app does not sleep, because of err or of a request to wake it. Unless
// err is ErrFrozen, its processes continue to run.
func (w *idleWatch) stayAwake(err error, rise <-chan Awakening) {
	a := w.app
	a.mu.Lock()
	roused := len(rise) > 0
	a.sleep.end()
	w.generation.wakeUp()
	a.lastUsed.Store(int64(monotonic.Now()))
	a.setStateLocked(AppServing)
	a.mu.Unlock()
	log := w.gateway.log.With("app", a.name, "generation", w.generation.Number)
	switch {
	case errors.Is(err, ErrFrozen):
		w.replace(err)
	case roused:
		log.Debug("app roused while it fell asleep")
	case errors.Is(err, ErrBusy):
		log.Debug("app stays awake for now", "reason", err.Error())
	default:
		log.Warn("app stays awake for now", "reason", err.Error())
	}
}

// ErrBusy is the error of a [Sleeper] whose workers come or go. It may sleep later.
var ErrBusy = errors.New("its workers come or go")

// ErrFrozen is the error of a [Sleeper] that does not sleep, and whose processes do not run on.
var ErrFrozen = errors.New("its processes could not be let run on")

// awaitRise waits for the reason to wake the app, which has had no request for the time unused.
func (w *idleWatch) awaitRise(rise <-chan Awakening, unused time.Duration) Awakening {
	w.app.mu.Lock()
	w.app.sleep.times++
	w.app.mu.Unlock()
	var stop <-chan time.Time
	if w.idle.StopAfter > 0 {
		timer := time.NewTimer(w.idle.StopAfter - unused)
		defer timer.Stop()
		stop = timer.C
	}
	select {
	case by := <-rise:
		return by
	case <-stop:
		return Awakening{Cause: WokenByIdle}
	case <-w.gateway.cutOff:
		return Awakening{Cause: WokenByStop}
	}
}

// rise lets the processes run on, and requests begin.
func (w *idleWatch) rise(by Awakening, began time.Time) {
	err := w.sleeper.Wake()
	a := w.app
	a.mu.Lock()
	by.Time = time.Now()
	by.Slept, by.Took = began.Sub(a.sleep.since).Seconds(), by.Time.Sub(began).Seconds()
	a.sleep.woken = &by
	a.sleep.end()
	w.generation.wakeUp()
	if by.Cause != WokenByIdle {
		a.lastUsed.Store(int64(monotonic.Now()))
	}
	a.setStateLocked(AppServing)
	a.mu.Unlock()
	log := w.gateway.log.With("app", a.name, "generation", w.generation.Number)
	if err != nil {
		w.replace(err)
		return
	}
	attrs := []any{"cause", by.Cause, "slept", roundSeconds(by.Slept, time.Second), "took", roundSeconds(by.Took, time.Microsecond)}
	if r := by.Request; r != nil {
		attrs = append(attrs, "request", r.Request, "path", r.Path)
	}
	log.Info("app awake", attrs...)
}

// replace has another generation take over from one whose processes do not run on because of err.
func (w *idleWatch) replace(err error) {
	w.gateway.log.Error("app not woken, another generation takes over",
		"app", w.app.name, "generation", w.generation.Number, "error", err.Error())
	w.gateway.config.Wake(w.app.name, "its processes did not run on")
}

func roundSeconds(seconds float64, unit time.Duration) string {
	return time.Duration(seconds * float64(time.Second)).Round(unit).String()
}

// memory returns the number of bytes of RAM of the workers.
func (w *idleWatch) memory() (bytes int64) {
	for _, worker := range w.generation.runner.Status().Workers {
		bytes += worker.Memory
	}
	return bytes
}
