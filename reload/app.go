package reload

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/modgw"
)

// app watches the files of one interest. Its goroutine alone touches it, but for inbox and status.
type app struct {
	log     *slog.Logger
	changed func(context.Context, Change)
	pending func(bool)
	every   time.Duration // between polls
	watcher folderWatcher // nil: there is none, so poll
	scans   chan struct{} // bounds how many apps look at their files at the same time
	inbox   *inbox
	status  *statusBox

	now      *watching
	reported *snapshot // what the consumer knows
	last     *snapshot // what the last scan saw
	watched  map[string]bool
	left     map[string]bool // folders that the scan before the last one saw and the last did not
	polling  string          // why files are polled; "" while events are trusted
	warned   string          // the last trouble that was logged

	lull   lull
	missed map[string]difference // found while the consumer was busy
	busy   chan struct{}         // closed when the consumer is done; nil while it has nothing to do
	stirs  bool                  // pending was told so
}

// folderWatcher sends the events of folders to an inbox.
type folderWatcher interface {
	watch(dir string, to *inbox) error
	forget(dir string, to *inbox)
}

// run watches until ctx is done and the consumer, which is called with host, has returned.
func (a *app) run(ctx, host context.Context) {
	defer a.stop()
	a.begin()
	due := time.NewTimer(0)
	defer due.Stop()
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		a.setTimers(due, tick)
		a.tell(!a.lull.due().IsZero() || a.busy != nil)
		select {
		case <-ctx.Done():
			return
		case <-a.inbox.wake:
			a.read(a.inbox.take())
		case <-due.C:
			a.settled(host)
		case <-tick.C:
			a.poll()
		case <-a.busy:
			a.busy = nil
			if len(a.missed) > 0 && a.lull.due().IsZero() {
				a.report(host)
			}
		}
	}
}

// setTimers lets due fire when changes have settled and tick while files are polled; otherwise nothing ticks.
func (a *app) setTimers(due *time.Timer, tick *time.Ticker) {
	if at := a.lull.due(); at.IsZero() {
		due.Stop()
	} else {
		due.Reset(time.Until(at))
	}
	if a.polling == "" {
		tick.Stop()
	} else {
		tick.Reset(a.every)
	}
}

// begin looks at everything for the first time, and finds what changed since the interest was declared.
func (a *app) begin() {
	a.reported, a.last = a.now.baseline, a.now.baseline
	a.look()
	for path, old := range a.reported.files {
		if now, ok := a.last.files[path]; ok && old.sameStat(now) {
			a.reported.files[path] = now // with its hash
		}
	}
	if len(differences(a.reported, a.last)) > 0 {
		a.lull.noted(time.Now())
	}
}

func (a *app) stop() {
	if a.busy != nil {
		<-a.busy
	}
	a.tell(false)
	a.unwatch()
}

// tell says whether there is something to be looked into, once.
func (a *app) tell(pending bool) {
	if a.stirs != pending {
		a.stirs = pending
		a.pending(pending)
	}
}

// read judges what came in, and reports whether files may have changed.
func (a *app) read(l letter) bool {
	if l.interest != nil {
		a.replace(l.interest)
	}
	relevant := l.rescan || l.interest != nil
	for _, e := range l.events {
		if a.relevant(e) {
			relevant = true
		}
	}
	if relevant {
		a.lull.noted(time.Now())
	}
	return relevant
}

// replace takes another interest. Files that it shares with the one before keep the state that was reported, so that what
// changed in the meantime is still found.
func (a *app) replace(next *watching) {
	known := next.baseline.files
	for path := range known {
		if _, ok := a.reported.files[path]; !ok && a.now.rules.class(path) != Nothing {
			delete(known, path) // it is new, and nobody has said so
		}
	}
	for path, old := range a.reported.files {
		if class := next.rules.class(path); class != Nothing {
			old.class, old.touched = class, next.rules.touched[path]
			known[path] = old
		}
	}
	maps.DeleteFunc(a.missed, func(path string, _ difference) bool { return next.rules.class(path) == Nothing })
	a.now, a.reported, a.polling = next, next.baseline, ""
	a.lull.quiet, a.lull.most = next.Settle, next.MaxSettle
	a.look()
}

// settled compares when nothing has changed for a while.
func (a *app) settled(host context.Context) {
	if a.read(a.inbox.take()) && time.Now().Before(a.lull.due()) {
		return
	}
	if now := time.Now(); beingWritten(a.now.Root, now) {
		a.lull.over()
		a.lull.noted(now)
		return
	}
	a.look()
	if a.read(a.inbox.take()) && time.Now().Before(a.lull.due()) {
		return
	}
	a.lull.over()
	if a.busy == nil {
		a.report(host)
		return
	}
	for _, d := range differences(a.reported, a.last) {
		a.missed[d.path] = d
	}
}

// poll looks whether anything changed.
func (a *app) poll() {
	before := a.last
	a.look()
	if len(differences(before, a.last)) > 0 {
		a.status.event(time.Now())
		a.lull.noted(time.Now())
	}
}

// report hands all differences to the consumer.
func (a *app) report(host context.Context) {
	for _, d := range differences(a.reported, a.last) {
		a.missed[d.path] = d
	}
	a.reported = a.last
	found := slices.Collect(maps.Values(a.missed))
	clear(a.missed)
	if len(found) == 0 || host.Err() != nil {
		return
	}
	change, busy := changeOf(a.now.Interest, found), make(chan struct{})
	a.busy = busy
	go func() {
		defer close(busy)
		a.changed(host, change)
	}()
}

// relevant reports whether an event can mean that a file of the interest changed. A new folder is watched at once, so that
// what happens in it is not missed while changes settle.
func (a *app) relevant(e fsnotify.Event) bool {
	dir, name := splitPath(e.Name)
	if a.last.pins[dir][name] {
		a.status.event(time.Now())
		return true
	}
	known := a.left[e.Name] || a.last.dirs[e.Name] != nil || a.last.pins[e.Name] != nil
	if known && !e.Has(fsnotify.Write) {
		a.status.event(time.Now())
		return true
	}
	found := false
	for _, p := range a.last.dirs[dir] {
		if a.concerns(p, e, name) {
			found = true
		}
	}
	if found {
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
