package modgw

import (
	"context"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// watchIdle stops the app's workers when generation has had no request for as long as its
// descriptor says. Nothing runs for an app that is never stopped.
func (g *Gateway) watchIdle(app *App, generation *Generation) {
	limit := generation.Descriptor.Idle.StopAfter
	if limit <= 0 {
		return
	}
	app.lastUsed.Store(int64(monotonic.Now()))
	g.ends.Go(func() {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		for {
			select {
			case <-generation.drained:
				return
			case <-g.cutOff:
				return
			case <-timer.C:
			}
			left := limit - (monotonic.Now() - time.Duration(app.lastUsed.Load()))
			if left <= 0 && generation.users.Load() == 0 {
				g.rest(app, generation, limit)
				return
			}
			timer.Reset(max(left, time.Second))
		}
	})
}

// rest makes the app idle again, unless a newer generation has taken over meanwhile.
func (g *Gateway) rest(app *App, generation *Generation, limit time.Duration) {
	if app.lock(context.Background()) != nil {
		return
	}
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
