package reload

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Config is what a [Watcher] is made from.
type Config struct {
	Log  *slog.Logger  // nil: nothing is logged
	Poll time.Duration // how often files that send no events are looked at; 0: once a second

	// Canary is a folder of the host's own. In a new folder below it a file is changed at the start of Run, to prove
	// that events arrive; "": that is not tried.
	Canary string

	// Pending is called when files may have changed, before that is looked into, and again with false when nothing is
	// left to be looked into and every call of Changed has returned. It must not wait for anything. nil: nobody is told.
	Pending func(app modgw.AppName, pending bool)

	// Changed is called with each change, in a goroutine of its own: for one app never twice at the same time, and
	// with all that changed during a call in one change after it. ctx ends with Run.
	Changed func(ctx context.Context, c Change)
}

// Watcher watches the files of all apps of a host.
type Watcher struct {
	log     *slog.Logger
	changed func(context.Context, Change)
	pending func(modgw.AppName, bool)
	canary  string
	poll    time.Duration
	shared  *shared

	mu      sync.Mutex
	apps    map[modgw.AppName]*member
	running context.Context // nil before Run and after it
	ears    *hearing        // nil: poll
	workers sync.WaitGroup
}

// shared is what the apps of one watcher have in common.
type shared struct {
	scans  chan struct{} // bounds how many apps look at their files at the same time
	once   once
	mounts *mounts // nil: they are not known
}

// member is an app and what the watcher needs to know of it.
type member struct {
	app      *app
	interest Interest
	stop     context.CancelFunc // nil before Run
}

// parallelScans bounds how many apps look at their files at the same time.
const parallelScans = 8

// New makes a watcher. It watches nothing before Run.
func New(c Config) (*Watcher, error) {
	if c.Changed == nil {
		return nil, errors.New("cannot watch files: nobody wants to know of changes")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.Pending == nil {
		c.Pending = func(modgw.AppName, bool) {}
	}
	return &Watcher{
		log:     c.Log,
		poll:    c.Poll,
		canary:  c.Canary,
		changed: c.Changed,
		pending: c.Pending,
		shared:  &shared{scans: make(chan struct{}, parallelScans)},
		apps:    map[modgw.AppName]*member{},
	}, nil
}

// Run watches until ctx is done, and returns when every call of Changed has. Without inotify it polls; it returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	var following sync.WaitGroup
	w.follow(ctx, &following)
	ears := w.listen(ctx)

	w.mu.Lock()
	w.running, w.ears = ctx, ears
	for _, m := range w.apps {
		w.start(m)
	}
	w.mu.Unlock()

	<-ctx.Done()
	w.mu.Lock()
	w.running, ears = nil, w.ears
	w.mu.Unlock()
	w.workers.Wait()
	following.Wait()
	return ears.close()
}

// Watch declares an interest, in place of an earlier one of the same app. It looks at no file: that is done by the app's
// own goroutine, as soon as Run runs. What was changed or added after Watch was called is reported, also before Run; a
// file that goes before it was ever looked at is not missed. An interest whose mode is off is forgotten. The error is for
// a glob that cannot be used.
func (w *Watcher) Watch(in Interest) error {
	if in.Mode == modgw.ReloadOff {
		w.Forget(in.App)
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.apps[in.App]
	if m != nil && reflect.DeepEqual(m.interest, in) {
		return nil
	}
	next, err := newWatching(in)
	if err != nil {
		return err
	}
	if m != nil {
		m.interest = in
		m.app.inbox.replace(next)
		return nil
	}
	m = &member{interest: in, app: w.newApp(next)}
	w.apps[in.App] = m
	if w.running != nil {
		w.start(m)
	}
	return nil
}

// Forget ends the interest of an app. A call of Changed that has begun may still run, even beside one for a new interest.
func (w *Watcher) Forget(name modgw.AppName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.apps[name]; m != nil {
		delete(w.apps, name)
		if m.stop != nil {
			m.stop()
		}
	}
}

// Mend tries again to get file events for the apps that are polled for want of them, and looks at their files.
func (w *Watcher) Mend() {
	w.mu.Lock()
	ctx, ears := w.running, w.ears
	w.mu.Unlock()
	if ctx == nil {
		return
	}
	var fresh *hearing
	if ears == nil {
		if fresh = w.listen(ctx); fresh == nil {
			return
		}
	}
	w.mu.Lock()
	if fresh != nil && (w.ears != nil || w.running == nil) { // somebody else was faster
		w.mu.Unlock()
		_ = fresh.close() // nothing was watched with it
		return
	}
	defer w.mu.Unlock()
	if fresh != nil {
		w.ears = fresh
	}
	w.shared.once.forget()
	for _, m := range w.apps {
		m.app.inbox.mend(w.ears.folders)
	}
}

// CatchUp returns when Pending was told of everything that had happened to the files of an app, and to descriptors (the app
// named ""), when it was called. Of files that are polled it is told what a look at them shows, where that is a matter
// of milliseconds. CatchUp returns earlier when ctx is done.
func (w *Watcher) CatchUp(ctx context.Context, names ...modgw.AppName) {
	w.mu.Lock()
	ears := w.ears
	w.mu.Unlock()
	if ears != nil {
		ears.folders.echo.call(ctx, ears.folders)
	}
	for _, answered := range w.ask(names) {
		select {
		case <-answered:
		case <-ctx.Done():
			return
		}
	}
}

// ask returns what closes when each of the apps has read its mail.
func (w *Watcher) ask(names []modgw.AppName) (all []<-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil || w.running.Err() != nil {
		return nil
	}
	for _, name := range names {
		if m := w.apps[name]; m != nil {
			answered := make(chan struct{})
			m.app.inbox.ask(answered)
			all = append(all, answered)
		}
	}
	return all
}

// Status tells how an app's files are watched; the mode is off for an app without an interest.
func (w *Watcher) Status(name modgw.AppName) Status {
	w.mu.Lock()
	m := w.apps[name]
	w.mu.Unlock()
	if m == nil {
		return Status{Mode: modgw.ReloadOff}
	}
	return m.app.status.get()
}

func (w *Watcher) newApp(now *watching) *app {
	return &app{
		log:     w.log.With("app", now.App),
		changed: w.changed,
		pending: func(pending bool) { w.pending(now.App, pending) },
		every:   w.poll,
		shared:  w.shared,
		inbox:   newInbox(),
		status:  &statusBox{},
		now:     now,
		disk:    Interest.disk,
		watched: map[string]bool{},
		missed:  map[string]difference{},
		lull:    lull{quiet: now.Settle, most: now.MaxSettle},
	}
}

func (w *Watcher) start(m *member) {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(w.running)
	if w.ears != nil {
		m.app.watcher = w.ears.folders
	}
	host := w.running
	w.workers.Go(func() { m.app.run(ctx, host) })
}
