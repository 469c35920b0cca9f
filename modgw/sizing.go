package modgw

import "fmt"

// ScaleStatus is the target number of workers of an app, and the reason why it is not larger.
type ScaleStatus struct {
	Scale
	Wanted int  `json:"wanted"` // workers that there should be now; 0: the app has no generation
	Manual bool `json:"manual"` // set by an administrator instead of the descriptor

	// Held is the reason why the app has fewer workers than its load requires; "": there is none.
	Held string `json:"held,omitempty"`
}

// Reasons why an app has no more workers.
const (
	HeldByMax        = "max"        // its scale
	HeldByLimit      = "limit"      // its own limit of memory
	HeldByMemory     = "memory"     // memory of the machine
	HeldByProcessors = "processors" // processors of the machine
)

// manualScale is a scale that an administrator has set. It holds until the descriptor's own
// changes.
type manualScale struct {
	Scale
	instead Scale // scale of the descriptor then
}

// sizing is the state that decides the number of workers of an app. App.mu guards it.
type sizing struct {
	manual *manualScale // nil: the descriptor's scale holds
	held   string       // as in [ScaleStatus]
}

// scaleLocked is the scale of the app with a descriptor; a.mu is held.
func (a *App) scaleLocked(d Descriptor) (scale Scale, manual bool) {
	scale = d.Scale()
	if m := a.sizing.manual; m != nil && m.instead == scale && scale.Max > 0 {
		return m.Scale, true
	}
	return scale, false
}

// scaled returns the descriptor with the scale that holds, and how many workers a generation of it
// begins with: as many as the one that serves has.
func (a *App) scaled(d Descriptor) (_ Descriptor, size int) {
	a.mu.Lock()
	scale, manual := a.scaleLocked(d)
	a.mu.Unlock()
	if scale.Max == 0 {
		return d, 0
	}
	if manual {
		d = d.WithScale(scale)
	}
	if current := a.current.Load(); current != nil {
		return d, scale.Clamp(current.size())
	}
	return d, scale.Min
}

// applyScaleLocked has the generation that serves obey the scale that holds; a.mu is held.
func (a *App) applyScaleLocked() {
	current := a.current.Load()
	if current == nil {
		a.elastic.Store(false)
		return
	}
	scale, manual := a.scaleLocked(current.Descriptor)
	if !manual {
		a.sizing.manual = nil // the descriptor has changed
	}
	a.elastic.Store(!scale.IsFixed())
	if r, ok := current.runner.(Resizer); ok && scale.Max > 0 {
		size := r.Size()
		if n := scale.Clamp(size); n != size {
			r.Resize(n)
		}
	}
}

// size returns the number of workers that a generation should have; 0: it has none.
func (g *Generation) size() int {
	if r, ok := g.runner.(Resizer); ok {
		return r.Size()
	}
	return 0
}

// whenElastic returns a function that calls f while the load decides the number of the app's
// workers.
func (a *App) whenElastic(f func()) func() {
	return func() {
		if a.elastic.Load() {
			f()
		}
	}
}

// Scale sets the number of an app's workers, in place of its descriptor's, until that changes or
// the host ends. The zero Scale returns to the descriptor.
func (g *Gateway) Scale(name AppName, s Scale) (ScaleStatus, error) {
	app, err := g.app(name)
	if err != nil {
		return ScaleStatus{}, err
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	d := app.routed
	if d.Scale().Max == 0 || d.Attach {
		return ScaleStatus{}, &Fault{
			Code:    "MGW-APP-114",
			Summary: fmt.Sprintf("cannot scale app %q: the host starts no workers for it", name),
			Hint:    "apps of the kinds cgi and static have none, and those of fastcgi { connect } and attach are started by others",
		}
	}
	app.sleep.rouse(Awakening{Cause: WokenByScale})
	app.sizing = sizing{}
	if s != (Scale{}) {
		app.sizing.manual = &manualScale{s, d.Scale()}
	}
	app.applyScaleLocked()
	wanted := 0
	if current := app.current.Load(); current != nil {
		wanted = current.size()
	}
	status := *app.scaleStatusLocked(wanted)
	g.log.Info("app scaled", "app", name, "workers", status.Scale.String())
	g.config.Crowded() // it may have more workers than its load needs
	return status, nil
}

// scaleStatusLocked is nil for an app without workers; a.mu is held.
func (a *App) scaleStatusLocked(wanted int) *ScaleStatus {
	scale, manual := a.scaleLocked(a.routed)
	if scale.Max == 0 {
		return nil
	}
	return &ScaleStatus{Scale: scale, Wanted: wanted, Manual: manual, Held: a.sizing.held}
}

// Load is the work of an app's workers up to now. The number of workers depends on it.
type Load struct {
	App        AppName      // name of the app
	Generation *Generation  // the one that serves
	Scale      Scale        // bounds of the number
	Runner     RunnerStatus // snapshot of its workers
}

// Loads returns the loads of the apps that have a generation and whose number of workers is not
// fixed, in no order.
func (g *Gateway) Loads() []Load {
	var loads []Load
	for _, app := range g.all() {
		if !app.elastic.Load() {
			continue
		}
		current, runner := app.lockWithStatus()
		if current != nil && app.state != AppAsleep {
			scale, _ := app.scaleLocked(current.Descriptor)
			loads = append(loads, Load{app.name, current, scale, runner})
		}
		app.mu.Unlock()
	}
	return loads
}

// Resize sets how many workers a generation should have, unless the app has another one by now or
// its scale does not allow it. held is as in [ScaleStatus].
func (g *Gateway) Resize(l Load, n int, held string) {
	app, err := g.app(l.App)
	if err != nil {
		return // it was removed
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	scale, _ := app.scaleLocked(l.Generation.Descriptor)
	r, ok := l.Generation.runner.(Resizer)
	if !ok || app.current.Load() != l.Generation || scale != l.Scale {
		return
	}
	app.sizing.held = held
	if n = scale.Clamp(n); n != l.Runner.Wanted {
		r.Resize(n)
	}
}
