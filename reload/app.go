package reload

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/modgw"
)

// app watches the files of one interest. Its goroutine alone touches it, but for inbox and status.
type app struct {
	log     *slog.Logger
	changed func(context.Context, Change)
	pending func(bool)
	every   time.Duration // between polls, at least
	watcher folderWatcher // nil: there is none, so poll
	shared  *shared
	inbox   *inbox
	status  *statusBox

	now      *watching
	disk     func(Interest) disk
	remote   string    // why the files send no events; "" when they do
	reported *snapshot // what the consumer knows
	last     *snapshot // what the last look saw
	took     time.Duration
	watched  map[string]bool
	dirty    dirty
	left     map[string]bool // folders that the look before the last one saw and the last did not
	polling  string          // why files are polled; "" while events are trusted
	spent    bool            // they are polled because a folder could not be watched
	full     bool            // there are more folders than are watched
	crowded  string          // the link that leads to more than is watched; "" for none
	gone     bool            // the root was missing when changes had settled
	warned   string          // the last trouble that was logged
	blind    []string        // files whose replacement is not seen, as far as they were logged

	lull    lull
	barrier barrier
	since   time.Time             // the first sign of what was not reported yet; zero while there is none
	missed  map[string]difference // found while the consumer was busy
	busy    chan struct{}         // closed when the consumer is done; nil while it has nothing to do
	stirs   bool                  // pending was told so
	asked   []chan<- struct{}     // closed when pending was told
}

// folderWatcher sends the events of folders to an inbox.
type folderWatcher interface {
	watch(dir string, to *inbox) error
	forget(dir string, to *inbox)
	deaf(dir string) bool
}

// run watches until ctx is done and the consumer, which is called with host, has returned.
func (a *app) run(ctx, host context.Context) {
	defer a.stop()
	a.begin(ctx)
	due := time.NewTimer(0)
	defer due.Stop()
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		a.setTimers(due, tick)
		a.stir(!a.lull.due().IsZero() || a.busy != nil)
		a.answer()
		select {
		case <-ctx.Done():
			return
		case <-a.inbox.wake:
			a.read(ctx, a.inbox.take())
		case <-due.C:
			a.settled(ctx, host)
		case <-tick.C:
			a.poll(ctx)
		case <-a.busy:
			a.busy = nil
			if len(a.missed) > 0 && a.due().IsZero() && !a.rootless() {
				a.report(host, differences(a.reported, a.last))
			}
		}
	}
}

// setTimers lets due fire when changes have settled and tick while files are polled; otherwise nothing ticks.
func (a *app) setTimers(due *time.Timer, tick *time.Ticker) {
	if at := a.due(); at.IsZero() {
		due.Stop()
	} else {
		due.Reset(time.Until(at))
	}
	if a.polling == "" {
		tick.Stop()
	} else {
		tick.Reset(max(a.every, pollShare*a.took))
	}
}

// pollShare is how many times longer the pause between polls is than what a poll takes.
const pollShare = 20

// due is when changes are to be looked at; zero while there are none.
func (a *app) due() time.Time {
	due := a.lull.due()
	if !due.IsZero() && due.Before(a.barrier.again) {
		return a.barrier.again
	}
	return due
}

// begin looks at everything for the first time.
func (a *app) begin(ctx context.Context) {
	a.reported, a.last = newSnapshot(), newSnapshot()
	a.remote = a.deafness()
	a.look(ctx)
	a.know(nil)
}

func (a *app) stop() {
	if a.busy != nil {
		<-a.busy
	}
	a.stir(false)
	a.unwatch()
	a.asked = append(a.asked, a.inbox.take().asked...)
	a.answer()
}

// stir says whether there is something to be looked into, once.
func (a *app) stir(pending bool) {
	if a.stirs != pending {
		a.stirs = pending
		a.pending(pending)
	}
}

// answer tells those who asked that pending was told what is known now.
func (a *app) answer() {
	for _, answered := range a.asked {
		close(answered)
	}
	a.asked = nil
}

const (
	// quickLook is how long a look at all files may have taken last time to be repeated for a
	// request.
	quickLook = 20 * time.Millisecond

	// fewFiles is up to how many files the look is repeated however long it took last time: then it
	// was for the machine's load.
	fewFiles = 100
)

// read judges what came in, and reports whether files may have changed.
func (a *app) read(ctx context.Context, l letter) bool {
	a.asked = append(a.asked, l.asked...)
	if len(l.asked) > 0 && a.polling != "" && a.looksQuickly() {
		a.poll(ctx)
	}
	mended := l.watcher != nil && a.mend(ctx, l.watcher)
	if l.interest != nil {
		a.replace(ctx, l.interest)
	}
	remounted := a.remounted(l.mounts)
	if l.rescan || remounted {
		a.dirty.addAll()
	}
	relevant := mended || l.rescan || l.interest != nil || remounted
	for _, e := range l.events {
		if a.relevant(ctx, e) {
			relevant = true
		}
	}
	if relevant {
		a.lull.noted(time.Now())
	}
	return relevant
}

// looksQuickly reports whether to look at all files for a request.
func (a *app) looksQuickly() bool { return a.took < quickLook || a.last.files.len() <= fewFiles }

// replace takes another interest.
func (a *app) replace(ctx context.Context, next *watching) {
	before := a.now.rules
	maps.DeleteFunc(a.missed, func(path string, _ difference) bool { return next.rules.class(path) == Nothing })
	a.gone = a.gone && next.Root == a.now.Root
	a.now = next
	a.remote = a.deafness()
	a.polling, a.spent = "", false
	a.lull.quiet, a.lull.most = next.Settle, next.MaxSettle
	a.look(ctx)
	a.know(before)
}

// know settles what the consumer is taken to know after an interest was declared. Files that the interest before had,
// too, keep the state that was reported, so that what changed in the meantime is still found; others are known as they
// are, but for those that changed since the declaration.
func (a *app) know(before *rules) {
	known := newSnapshot()
	for path, now := range a.last.files.all() {
		if old, ok := a.reported.files.get(path); ok {
			old.class, old.touched = now.class, a.now.rules.touched[path]
			known.files.set(path, old)
			continue
		}
		if before != nil && before.class(path) != Nothing {
			continue // it is new, and nobody has said so
		}
		now.unsure = now.target == "" && a.now.since(now)
		known.files.set(path, now)
	}
	for path, old := range a.reported.files.all() {
		class := a.now.rules.class(path)
		if _, ok := a.last.files.get(path); ok || class == Nothing {
			continue
		}
		old.class = class
		known.files.set(path, old)
	}
	a.reported = known
	if len(differences(known, a.last)) > 0 {
		a.lull.noted(time.Now())
	} else {
		a.reported = a.last // which is the same, and takes no memory of its own
	}
}

// relevant reports whether an event can mean that a file of the interest changed, and makes what it
// names dirty. A new folder is watched at once, so that what happens in it is not missed while
// changes settle.
func (a *app) relevant(ctx context.Context, e fsnotify.Event) bool {
	dir, name := splitPath(e.Name)
	known := a.left[e.Name] || a.last.dirs[e.Name] != nil || a.last.pins[e.Name] != nil
	found := a.last.pins[dir][name] || known && !e.Has(fsnotify.Write)
	if a.left[e.Name] {
		a.dirty.addAll()
	}
	for _, p := range a.last.dirs[dir] {
		if a.concerns(ctx, p, e, name) {
			found = true
		}
	}
	if found {
		a.dirty.add(e.Name)
		a.status.event(time.Now())
	}
	return found
}

func (a *app) mode() modgw.ReloadMode {
	if a.polling != "" {
		return modgw.ReloadPoll
	}
	if a.now.Mode == modgw.ReloadTouch {
		return modgw.ReloadTouch
	}
	return modgw.ReloadInotify
}
