package reload

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Config configures a [Watcher].
type Config struct {
	Log  *slog.Logger  // nil: nothing is logged
	Poll time.Duration // interval for files without events; 0: one second

	// Canary is a folder of the host's own. At the start of Run a file in a new folder below it is
	// changed, to prove that events arrive; "": that is not tried.
	Canary string

	// Pending is called when files may have changed, before they are scanned, and again with false
	// when nothing is left to scan and every call of Changed has returned. It must not block. nil:
	// not called.
	Pending func(app modgw.AppName, pending bool)

	// Changed is called with each change, in its own goroutine. Calls for one app do not overlap:
	// changes during a call are in one change after it. ctx ends with Run.
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
	events  *eventSource    // nil: poll
	workers sync.WaitGroup
}

// shared is the state that the apps of one watcher share.
type shared struct {
	scans     chan struct{} // one element for each app that is scanning
	exhausted atomic.Bool   // it was logged that the kernel's watches ran out
	mounts    *mounts       // nil: mounts cannot be read
}

// member is an app with the state that the watcher needs.
type member struct {
	app      *app
	interest Interest
	stop     context.CancelFunc // nil before Run
}

// parallelScans is the number of apps that scan their files at the same time.
const parallelScans = 8

// New returns a watcher. It watches nothing before Run.
func New(c Config) (*Watcher, error) {
	if c.Changed == nil {
		return nil, errors.New("cannot watch files: Changed is nil")
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

// Run watches until ctx is done, and returns nil when every call of Changed has returned. Without
// inotify it polls.
func (w *Watcher) Run(ctx context.Context) error {
	var following sync.WaitGroup
	w.followMounts(ctx, &following)
	events := w.openEventSource(ctx)

	w.mu.Lock()
	w.running, w.events = ctx, events
	for _, m := range w.apps {
		w.start(m)
	}
	w.mu.Unlock()

	<-ctx.Done()
	w.mu.Lock()
	w.running, events = nil, w.events
	w.mu.Unlock()
	w.workers.Wait()
	w.answerLate()
	following.Wait()
	return events.close()
}

// answerLate answers callers of CatchUp that came when the goroutines of the apps had ended.
func (w *Watcher) answerLate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.apps {
		m.app.asked = m.app.inbox.takeBatch().asked
		m.app.answerAsked()
	}
}

// Watch declares an interest, in place of an earlier one of the same app. It reads no file: the
// app's own goroutine does, as soon as Run runs. Changes and additions after the call are reported,
// also before Run; a file that is removed before the first scan is not reported. An interest whose
// mode is off is forgotten. The error names a glob that cannot be used.
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
	next, err := prepareInterest(in)
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

// Forget ends the interest of an app. A call of Changed may still be running, even concurrently
// with one for a new interest.
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

// RetryEvents tries again to get file events for apps that are polled because there were none, and
// scans their files.
func (w *Watcher) RetryEvents() {
	w.mu.Lock()
	ctx, events := w.running, w.events
	w.mu.Unlock()
	if ctx == nil {
		return
	}
	var fresh *eventSource
	if events == nil {
		if fresh = w.openEventSource(ctx); fresh == nil {
			return
		}
	}
	w.mu.Lock()
	if fresh != nil && (w.events != nil || w.running == nil) { // another call was faster
		w.mu.Unlock()
		_ = fresh.close() // nothing is watched with it
		return
	}
	defer w.mu.Unlock()
	if fresh != nil {
		w.events = fresh
	}
	w.shared.exhausted.Store(false)
	for _, m := range w.apps {
		m.app.inbox.setWatcher(w.events.folders)
	}
}

// CatchUp returns when Pending was called for everything that had happened until now to the files
// of the apps; the app named "" has the descriptors. Polled files are scanned for that if it takes
// a few milliseconds. CatchUp returns early when ctx is done.
func (w *Watcher) CatchUp(ctx context.Context, names ...modgw.AppName) {
	w.mu.Lock()
	events := w.events
	w.mu.Unlock()
	if events != nil {
		events.folders.cookies.awaitDelivery(ctx, events.folders)
	}
	for _, answered := range w.askApps(names) {
		select {
		case <-answered:
		case <-ctx.Done():
			return
		}
	}
}

// askApps returns channels that are closed when the apps have handled their batches.
func (w *Watcher) askApps(names []modgw.AppName) (all []<-chan struct{}) {
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

// Status returns how an app's files are watched; the mode is off for an app without an interest.
func (w *Watcher) Status(name modgw.AppName) Status {
	w.mu.Lock()
	m := w.apps[name]
	w.mu.Unlock()
	if m == nil {
		return Status{Mode: modgw.ReloadOff}
	}
	return m.app.status.get()
}

func (w *Watcher) newApp(now *preparedInterest) *app {
	return &app{
		log:        w.log.With("app", now.App),
		changed:    w.changed,
		pending:    func(pending bool) { w.pending(now.App, pending) },
		every:      w.poll,
		shared:     w.shared,
		inbox:      newInbox(),
		status:     &statusBox{},
		interest:   now,
		disk:       Interest.disk,
		watched:    map[string]bool{},
		unreported: map[string]difference{},
		debounce:   debounce{quiet: now.Settle, longest: now.MaxSettle},
	}
}

func (w *Watcher) start(m *member) {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(w.running)
	if w.events != nil {
		m.app.watcher = w.events.folders
	}
	host := w.running
	w.workers.Go(func() { m.app.run(ctx, host) })
}
