package modgw

import (
	"context"
	"time"
)

// drain lets the requests in flight on old finish, and stops it. then is called when it has ended,
// unless it is nil.
func (g *Gateway) drain(app *App, old *Generation, then func()) {
	app.mu.Lock()
	app.draining[old] = time.Now()
	app.mu.Unlock()
	inFlight := old.retire()
	g.ends.Go(func() {
		cut := old.drainAndStop(g.cutOff)
		if then != nil {
			then()
		}
		app.mu.Lock()
		delete(app.draining, old)
		app.drained = &DrainedStatus{old.Number, inFlight, cut, time.Now()}
		app.mu.Unlock()
		close(old.ended)
		log := g.log.With("app", app.name, "generation", old.Number, "requests", inFlight)
		if cut > 0 {
			log.Warn("generation stopped before its requests had ended", "cut", cut, "limit", old.Descriptor.Timeouts.Drain.String())
			return
		}
		log.Info("generation drained")
	})
}

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

// retire lets no further request begin and reports how many are in flight.
func (g *Generation) retire() int {
	// Count this call in and out, so that the last one out closes drained.
	inFlight := g.users.Add(retired+1) - retired - 1
	g.countOut()
	return int(inFlight)
}

// drainAndStop waits for the requests in flight, as long as the descriptor allows or until cutOff
// is closed, and ends the workers. It reports how many requests were cut off.
func (g *Generation) drainAndStop(cutOff <-chan struct{}) (cut int) {
	limit := time.NewTimer(g.Descriptor.Timeouts.Drain)
	defer limit.Stop()
	endless := time.AfterFunc(g.Descriptor.Timeouts.WebSocketDrain, g.endless.End)
	defer endless.Stop()
	select {
	case <-g.drained:
	case <-limit.C:
		cut = g.inFlight()
	case <-cutOff:
		cut = g.inFlight()
	}
	g.stop()
	return cut
}
