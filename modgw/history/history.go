package history

import (
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

// mostApps is the maximum number of apps with points. An hour of all series of an app uses about 40
// KiB.
const mostApps = 500

// Config configures a History.
type Config struct {
	// Read calls yield with the figures of all apps, or only of the apps that had a request.
	Read func(all bool, yield func(modgw.AppName, Figures))

	// Shape returns the current shape of an app, or false if the app has no generation.
	Shape func(modgw.AppName) (Shape, bool)
}

// History holds the figures and deploys of apps. Create it with [New].
type History struct {
	config Config
	active atomic.Bool // a sample is scheduled

	mu      sync.Mutex
	apps    map[modgw.AppName]*app
	sampled time.Time // time of the last sample
	read    time.Time // time of the last read
	timer   *time.Timer
	closed  bool
}

// app holds the points and deploys of one app.
type app struct {
	points  ring
	before  *Figures // the newest figures; nil: none
	deploys []Deploy // oldest first
	shape   *Shape   // shape of the generation that serves; nil: unknown
}

// App is the history of one app as it is shown.
type App struct {
	App   modgw.AppName `json:"app"`   // name of the app
	Times []int64       `json:"times"` // milliseconds since 1970, oldest first
	// by series, in the order of AllSeries, then by time; null: unknown
	Values  [][]*float64 `json:"values"`
	Deploys []Deploy     `json:"deploys"` // oldest first
}

// New returns an empty history. The caller must call Close.
func New(c Config) *History { return &History{config: c, apps: map[modgw.AppName]*app{}} }

// Served is called when a request has ended. It costs nothing while there are requests, because a
// sample is already scheduled.
func (h *History) Served() {
	if !h.active.Load() && h.active.CompareAndSwap(false, true) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.schedule()
	}
}

// schedule schedules a sample after an interval. The caller must hold the mutex.
func (h *History) schedule() {
	if !h.closed {
		h.timer = time.AfterFunc(Interval, h.sampleActive)
	}
}

// sampleActive samples the apps that had requests, and continues while there are such apps.
func (h *History) sampleActive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	if h.sample(time.Since(h.read) < 3*Interval) {
		h.schedule()
		return
	}
	h.active.Store(false)
}

// sample adds a point for each app, and reports whether any of them had a request since the
// previous sample. The caller must hold the mutex.
func (h *History) sample(all bool) (busy bool) {
	h.sampled = time.Now()
	read := map[modgw.AppName]bool{}
	h.config.Read(all, func(name modgw.AppName, f Figures) {
		read[name] = true
		a := h.app(name)
		if a.before != nil && f.Requests != a.before.Requests || a.before == nil && f.Requests > 0 {
			busy = true
		} else if !all && f.Time.Sub(a.points.last()) > 2*Interval {
			return // the app was idle
		}
		a.add(f)
	})
	if all {
		maps.DeleteFunc(h.apps, func(name modgw.AppName, _ *app) bool { return !read[name] })
	}
	return busy
}

// app returns the history of an app, creating it if necessary. The app with the oldest last point
// makes room. The caller must hold the mutex.
func (h *History) app(name modgw.AppName) *app {
	if a := h.apps[name]; a != nil {
		return a
	}
	if len(h.apps) >= mostApps {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(h.apps)), func(a, b modgw.AppName) int {
			return h.apps[a].points.last().Compare(h.apps[b].points.last())
		})
		delete(h.apps, oldest)
	}
	a := &app{}
	h.apps[name] = a
	return a
}

// add adds a point. The first figures of an app add none, because there are no earlier figures to
// compare them with.
func (a *app) add(f Figures) {
	before := a.before
	a.before = &f
	if before == nil {
		return
	}
	values := make([]float32, len(definitions))
	if last := a.points.last(); !last.IsZero() && f.Time.Sub(last) > 2*Interval {
		// No samples were taken, and there were no requests until an interval ago.
		quiet := *before
		quiet.Time = f.Time.Add(-Interval)
		a.points.add(quiet.Time, fill(values, before, &quiet))
		before = &quiet
	}
	a.points.add(f.Time, fill(values, before, &f))
}

func fill(values []float32, before, now *Figures) []float32 {
	for i, d := range definitions {
		values[i] = float32(d.value(before, now))
	}
	return values
}

// Observe records the outcome of a deploy.
func (h *History) Observe(e modgw.Event) {
	d := Deploy{
		Time: time.Now(), Generation: e.Generation, Cause: e.Cause, Took: e.Took.Seconds(), Serving: e.Serving,
	}
	if e.Fault != nil {
		d.Code, d.Error = e.Fault.Code, e.Fault.Line()
	}
	shape, ok := Shape{}, false
	if e.Fault == nil {
		shape, ok = h.config.Shape(e.App)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.app(e.App)
	if ok {
		if a.shape != nil {
			d.Changes = a.shape.changesTo(shape)
		}
		a.shape = &shape
	}
	a.deploys = append(a.deploys[max(0, len(a.deploys)-mostDeploys+1):], d)
}

// Read returns the history of the apps for which may returns true, by name, with the points after a
// time. If no samples are being taken, and the last one is older than an interval, Read takes one
// first.
func (h *History) Read(since time.Time, may func(modgw.AppName) bool) []App {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.sampled) >= Interval && (!h.active.Load() || now.Sub(h.read) >= 3*Interval) {
		h.sample(true)
	}
	h.read = now
	all := []App{}
	for _, name := range slices.Sorted(maps.Keys(h.apps)) {
		if may(name) {
			all = append(all, h.apps[name].shown(name, since))
		}
	}
	return all
}

func (a *app) shown(name modgw.AppName, since time.Time) App {
	shown := App{App: name, Times: []int64{}, Values: make([][]*float64, len(definitions)), Deploys: slices.Clone(a.deploys)}
	a.points.after(since, func(at int64, values []float32) {
		shown.Times = append(shown.Times, at)
		for i, v := range values {
			var known *float64
			if value := float64(v); !math.IsNaN(value) {
				known = &value
			}
			shown.Values[i] = append(shown.Values[i], known)
		}
	})
	return shown
}

// Remove removes the history of an app: a later app of the same name may be another user's.
func (h *History) Remove(name modgw.AppName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.apps, name)
}

// Close ends sampling.
func (h *History) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
}
