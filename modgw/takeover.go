package modgw

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// takeover is a generation that is ready and waits for its hosts and mount. Two apps may exchange
// theirs, and one may take the place that another leaves: all generations that fit together take
// over at once, so that every place has an app at every moment.
type takeover struct {
	app     *App
	next    *Generation
	old     *Generation // generation that next has replaced; nil before done
	done    chan *Fault // gets nil when next has taken over, or why it cannot
	delayed bool        // it was logged that it waits
}

// ErrPlaceTaken is why an app was not deployed whose hosts and mount another app has and keeps.
// There is room for it when that one is removed, or deployed elsewhere.
var ErrPlaceTaken = errors.New("two apps cannot answer the same requests")

// hostMount is a host with a mount, which at most one app with a generation has.
type hostMount struct {
	host  string // pattern; "" for any
	mount MountPath
	match string // as in Descriptor.MountMatch
}

func locationsOf(d Descriptor) []hostMount {
	if len(d.Hosts) == 0 {
		return []hostMount{{mount: d.Mount, match: d.MountMatch}}
	}
	locations := make([]hostMount, len(d.Hosts))
	for i, host := range d.Hosts {
		locations[i] = hostMount{host, d.Mount, d.MountMatch}
	}
	return locations
}

// plan records the descriptor that an app is about to have, so that others can wait for the places
// that it leaves. The returned function ends that, unless another plan was made meanwhile.
func (g *Gateway) plan(app *App, d Descriptor) (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	app.planned = &d
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if app.planned == &d {
			app.planned = nil
		}
		g.completeTakeovers()
	}
}

// roomFor is obstacle without the mutex.
func (g *Gateway) roomFor(app *App, d Descriptor) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.obstacle(app, d)
}

// HasRoom reports whether an app could be deployed with d: its hosts and mount are free, or the
// apps that have them are about to leave them.
func (g *Gateway) HasRoom(d Descriptor) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.obstacle(g.apps[d.Name], d) == nil
}

// obstacle is the fault of deploying an app with a descriptor whose place another app has and
// keeps; g.mu is held.
func (g *Gateway) obstacle(app *App, d Descriptor) *Fault {
	for _, s := range locationsOf(d) {
		other := g.locations[s]
		if other == nil || other == app || other.planned != nil && !slices.Contains(locationsOf(*other.planned), s) {
			continue
		}
		return &Fault{
			Code:    "MGW-APP-108",
			Summary: fmt.Sprintf("cannot deploy app %q: app %q has the same host and mount %q", d.Name, other.name, s.host+string(s.mount)+s.match),
			Err:     ErrPlaceTaken,
			Hint:    "it is deployed by itself when that app leaves the place; or give one of them another mount or host",
		}
	}
	return nil
}

// takeOver lets next answer the requests of its hosts and mount as soon as they are free, and
// returns the generation that it has replaced.
func (g *Gateway) takeOver(ctx context.Context, app *App, next *Generation) (old *Generation, err error) {
	t := &takeover{app: app, next: next, done: make(chan *Fault, 1)}
	g.mu.Lock()
	g.takeovers[app] = t
	g.completeTakeovers()
	g.mu.Unlock()
	select {
	case fault := <-t.done:
		return t.result(fault)
	case <-ctx.Done():
	}
	g.mu.Lock()
	delete(g.takeovers, app)
	g.mu.Unlock()
	select {
	case fault := <-t.done:
		return t.result(fault)
	default:
		return nil, context.Cause(ctx)
	}
}

func (t *takeover) result(fault *Fault) (*Generation, error) {
	if fault != nil {
		return nil, fault
	}
	return t.old, nil
}

// completeTakeovers lets all generations take over that can, and refuses those that wait for an app
// that stays; g.mu is held.
func (g *Gateway) completeTakeovers() {
	for {
		fitting := g.fitting()
		if len(fitting) == 0 {
			break
		}
		for _, t := range fitting {
			g.vacate(t.app)
		}
		for _, t := range fitting {
			t.app.locations = locationsOf(t.next.Descriptor)
			for _, s := range t.app.locations {
				g.locations[s] = t.app
			}
			t.old = t.app.swap(t.next)
			t.done <- nil
			delete(g.takeovers, t.app)
		}
		g.routes.Store(nil)
	}
	for app, t := range g.takeovers {
		if fault := g.obstacle(app, t.next.Descriptor); fault != nil {
			t.done <- fault
			delete(g.takeovers, app)
			continue
		}
		if !t.delayed {
			t.delayed = true
			g.log.Info("generation waits until another app has left its place", "app", app.name, "generation", t.next.Number)
		}
	}
}

// fitting are the generations that wait and whose places are free once all of them have taken over;
// g.mu is held.
func (g *Gateway) fitting() map[*App]*takeover {
	fitting := maps.Clone(g.takeovers)
	for changed := true; changed; {
		changed = false
		taken := map[hostMount]bool{} // two generations may be ready for a place at once
		for app, t := range fitting {
			if !g.fits(t, fitting, taken) {
				delete(fitting, app)
				changed = true
				continue
			}
			for _, s := range locationsOf(t.next.Descriptor) {
				taken[s] = true
			}
		}
	}
	return fitting
}

// fits reports whether no app has the places of a generation once the others take over that are
// fitting, and none of these has taken one; g.mu is held.
func (g *Gateway) fits(t *takeover, fitting map[*App]*takeover, taken map[hostMount]bool) bool {
	for _, s := range locationsOf(t.next.Descriptor) {
		other := g.locations[s]
		leaves := fitting[other] != nil && !slices.Contains(locationsOf(fitting[other].next.Descriptor), s)
		if taken[s] || other != nil && other != t.app && !leaves {
			return false
		}
	}
	return true
}

// vacate frees the places of an app that has no generation any more, or that is about to get
// others; g.mu is held.
func (g *Gateway) vacate(app *App) {
	for _, s := range app.locations {
		if g.locations[s] == app {
			delete(g.locations, s)
		}
	}
	app.locations = nil
}

// leave is vacate for an app that has stopped, after which others may take its place.
func (g *Gateway) leave(app *App) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.vacate(app)
	g.completeTakeovers()
}
