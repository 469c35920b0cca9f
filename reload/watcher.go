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
	scans   chan struct{}
	poll    time.Duration

	mu      sync.Mutex
	apps    map[modgw.AppName]*member
	running context.Context // nil before Run and after it
	folders folderWatcher   // nil: poll
	workers sync.WaitGroup
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
		changed: c.Changed,
		pending: c.Pending,
		scans:   make(chan struct{}, parallelScans),
		apps:    map[modgw.AppName]*member{},
	}, nil
}

// Run watches until ctx is done, and returns when every call of Changed has. Without inotify it polls; it returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	var delivery sync.WaitGroup
	delivering, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivery()
	folders, err := newFolders(w.log)
	if err != nil {
		w.log.Warn("files are polled, for events are not to be had", "err", watchesExhausted(err))
	} else {
		delivery.Go(func() { folders.deliver(delivering) })
	}

	w.mu.Lock()
	w.running = ctx
	if folders != nil {
		w.folders = folders
	}
	for _, m := range w.apps {
		w.start(m)
	}
	w.mu.Unlock()

	<-ctx.Done()
	w.mu.Lock()
	w.running = nil
	w.mu.Unlock()
	w.workers.Wait()
	stopDelivery()
	delivery.Wait()
	if folders == nil {
		return nil
	}
	return folders.close()
}

// Watch declares an interest, in place of an earlier one of the same app. Every change after Watch was called is
// reported, also one that comes before Run. An interest whose mode is off is forgotten. The error is for a glob that
// cannot be used.
func (w *Watcher) Watch(in Interest) error {
	if in.Mode == modgw.ReloadOff {
		w.Forget(in.App)
		return nil
	}
	w.mu.Lock()
	old := w.apps[in.App]
	w.mu.Unlock()
	if old != nil && reflect.DeepEqual(old.interest, in) {
		return nil
	}
	next, err := newWatching(in)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.apps[in.App]; m != nil {
		m.interest = in
		m.app.inbox.replace(next)
		return nil
	}
	m := &member{interest: in, app: w.newApp(next)}
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
		scans:   w.scans,
		inbox:   newInbox(),
		status:  &statusBox{},
		now:     now,
		watched: map[string]bool{},
		missed:  map[string]difference{},
		lull:    lull{quiet: now.Settle, most: now.MaxSettle},
	}
}

func (w *Watcher) start(m *member) {
	var ctx context.Context
	ctx, m.stop = context.WithCancel(w.running)
	m.app.watcher = w.folders
	host := w.running
	w.workers.Go(func() { m.app.run(ctx, host) })
}

// watching is an interest with its rules and what was there when it was declared.
type watching struct {
	Interest
	rules    *rules
	baseline *snapshot
	remote   string // why its files send no events; "" when they do
}

// scanner looks at the files without reading and watching them.
func (w *watching) scanner() *scanner {
	return &scanner{rules: w.rules, root: w.Root, inodes: w.remote == ""}
}

// newWatching prepares an interest and looks at what is there now.
func newWatching(in Interest) (*watching, error) {
	if in.Settle <= 0 {
		in.Settle = defaultSettle
	}
	if in.MaxSettle <= 0 {
		in.MaxSettle = defaultMaxSettle
	}
	in.MaxSettle = max(in.MaxSettle, in.Settle, time.Millisecond)
	rules, err := rulesOf(in)
	if err != nil {
		return nil, err
	}
	now := &watching{Interest: in, rules: rules, remote: rules.remote()}
	s := now.scanner()
	if err := in.Account.Do(func() error { s.scan(); return nil }); err != nil {
		return nil, err
	}
	now.baseline = s.out
	return now, nil
}
