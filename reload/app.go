package reload

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/modgw"
)

// app watches the files of one interest. Only its goroutine uses it, except for inbox and status.
type app struct {
	log     *slog.Logger
	changed func(context.Context, Change)
	pending func(bool)
	every   time.Duration // between polls, at least
	watcher folderWatcher // nil: there is none, so poll
	shared  *shared
	inbox   *inbox
	status  *statusBox

	interest       *preparedInterest
	disk           func(Interest) disk
	noEvents       string    // why files send no events that can be trusted; "": they do
	reported       *snapshot // the state of the last call of Changed
	last           *snapshot // the result of the last scan
	scanTook       time.Duration
	watched        map[string]bool
	dirty          dirty
	removedFolders map[string]bool // folders that the last scan missed and the one before found
	polling        string          // why files are polled; "": events are trusted
	eventsFailed   bool            // polled because there are no events; RetryEvents retries
	tooManyFolders bool            // not all folders are watched
	oversizedLink  string          // a link to more files than are watched; "": there is none
	rootGone       bool            // the root was missing when changes had settled
	lastWarning    string          // the last warning that was logged
	fileMounts     []string        // files that are mounted one by one, as far as they were logged

	debounce   debounce
	holdback   holdback
	since      time.Time             // first unreported change; zero: there is none
	unreported map[string]difference // found while Changed was running
	busy       chan struct{}         // closed when Changed returns; nil while it is not running
	isPending  bool                  // the last value that pending was called with
	asked      []chan<- struct{}     // closed when pending is up to date
}

// folderWatcher sends the events of folders to inboxes.
type folderWatcher interface {
	watch(dir string, to *inbox) error
	forget(dir string, to *inbox)
	hasNoEvents(dir string) bool
}

// run watches until ctx is done and the call of Changed, which gets host, has returned.
func (a *app) run(ctx, host context.Context) {
	defer a.stop()
	a.firstScan(ctx)
	due := time.NewTimer(0)
	defer due.Stop()
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		a.setTimers(due, tick)
		a.setPending(!a.debounce.due().IsZero() || a.busy != nil)
		a.answerAsked()
		select {
		case <-ctx.Done():
			return
		case <-a.inbox.wake:
			a.handleBatch(ctx, a.inbox.takeBatch())
		case <-due.C:
			a.handleSettled(ctx, host)
		case <-tick.C:
			a.poll(ctx)
		case <-a.busy:
			a.busy = nil
			if len(a.unreported) > 0 && a.due().IsZero() && !a.hasLostRoot() {
				a.report(host, differences(a.reported, a.last))
			}
		}
	}
}

// setTimers sets due to when changes have settled, and tick while files are polled. Otherwise no
// timer runs.
func (a *app) setTimers(due *time.Timer, tick *time.Ticker) {
	if at := a.due(); at.IsZero() {
		due.Stop()
	} else {
		due.Reset(time.Until(at))
	}
	if a.polling == "" {
		tick.Stop()
	} else {
		tick.Reset(max(a.every, pollShare*a.scanTook))
	}
}

// pollShare is the number of durations of a poll for which the next one is delayed.
const pollShare = 20

// due returns when to look at changes; the zero time while there are none.
func (a *app) due() time.Time {
	due := a.debounce.due()
	if !due.IsZero() && due.Before(a.holdback.retryAt) {
		return a.holdback.retryAt
	}
	return due
}

// firstScan looks at all files for the first time.
func (a *app) firstScan(ctx context.Context) {
	a.reported, a.last = newSnapshot(), newSnapshot()
	a.noEvents = a.noEventsReason()
	a.scanAll(ctx)
	a.setReported(nil)
}

func (a *app) stop() {
	if a.busy != nil {
		<-a.busy
	}
	a.setPending(false)
	a.unwatch()
	a.asked = append(a.asked, a.inbox.takeBatch().asked...)
	a.answerAsked()
}

// setPending calls pending if its value is new.
func (a *app) setPending(pending bool) {
	if a.isPending != pending {
		a.isPending = pending
		a.pending(pending)
	}
}

// answerAsked answers the callers that wait until pending reflects all that is known.
func (a *app) answerAsked() {
	for _, answered := range a.asked {
		close(answered)
	}
	a.asked = nil
}

const (
	// quickScan is the longest duration of the last scan of polled files with which CatchUp starts
	// another.
	quickScan = 20 * time.Millisecond

	// fewFiles is the number of files up to which CatchUp starts another scan even if the last one
	// was slow: so few files are slow only because the machine is busy.
	fewFiles = 100
)

// handleBatch handles the events and requests that came in, and reports whether files may have
// changed.
func (a *app) handleBatch(ctx context.Context, b batch) bool {
	a.asked = append(a.asked, b.asked...)
	if len(b.asked) > 0 && a.polling != "" && a.mayScanAtOnce() {
		a.poll(ctx)
	}
	retried := b.watcher != nil && a.retryEvents(ctx, b.watcher)
	if b.interest != nil {
		a.setInterest(ctx, b.interest)
	}
	remounted := a.handleMounts(b.mounts)
	if b.rescan || remounted {
		a.dirty.addAll()
	}
	relevant := retried || b.rescan || b.interest != nil || remounted
	for _, e := range b.events {
		if a.handleEvent(ctx, e) {
			relevant = true
		}
	}
	if relevant {
		a.debounce.note(time.Now())
	}
	return relevant
}

// mayScanAtOnce reports whether to scan all files because a request came.
func (a *app) mayScanAtOnce() bool { return a.scanTook < quickScan || a.last.files.len() <= fewFiles }

// setInterest replaces the interest.
func (a *app) setInterest(ctx context.Context, next *preparedInterest) {
	before := a.interest.rules
	maps.DeleteFunc(a.unreported, func(path string, _ difference) bool { return next.rules.class(path) == Nothing })
	a.rootGone = a.rootGone && next.Root == a.interest.Root
	a.interest = next
	a.noEvents = a.noEventsReason()
	a.polling, a.eventsFailed = "", false
	a.debounce.quiet, a.debounce.longest = next.Settle, next.MaxSettle
	a.scanAll(ctx)
	a.setReported(before)
}

// setReported sets the reported state after an interest was declared. Files that the previous
// interest also had keep their reported state, so that changes in between are found. Other files
// count as they are now, except those that changed since the declaration.
func (a *app) setReported(before *rules) {
	known := newSnapshot()
	for path, now := range a.last.files.all() {
		if old, ok := a.reported.files.get(path); ok {
			old.class, old.touched = now.class, a.interest.rules.touched[path]
			known.files.set(path, old)
			continue
		}
		if before != nil && before.class(path) != Nothing {
			continue // it is new and unreported
		}
		now.unsure = now.target == "" && a.interest.changedBeforeScan(path, now)
		known.files.set(path, now)
	}
	for path, old := range a.reported.files.all() {
		class := a.interest.rules.class(path)
		if _, ok := a.last.files.get(path); ok || class == Nothing {
			continue
		}
		old.class = class
		known.files.set(path, old)
	}
	a.reported = known
	if len(differences(known, a.last)) > 0 {
		a.debounce.note(time.Now())
	} else {
		a.reported = a.last // equal, and needs no memory of its own
	}
}

// handleEvent reports whether an event can mean that a file of the interest changed, and marks its
// path as dirty. A new folder is watched at once, so that nothing in it is missed while changes
// settle.
func (a *app) handleEvent(ctx context.Context, e fsnotify.Event) bool {
	dir, name := splitPath(e.Name)
	known := a.removedFolders[e.Name] || a.last.dirs[e.Name] != nil || a.last.ancestors[e.Name] != nil
	found := a.last.ancestors[dir][name] || known && !e.Has(fsnotify.Write)
	if a.removedFolders[e.Name] {
		a.dirty.addAll()
	}
	for _, p := range a.last.dirs[dir] {
		if a.eventMatters(ctx, p, e, name) {
			found = true
		}
	}
	if found {
		a.dirty.add(e.Name)
		a.status.noteEvent(time.Now())
	}
	return found
}

func (a *app) mode() modgw.ReloadMode {
	if a.polling != "" {
		return modgw.ReloadPoll
	}
	if a.interest.Mode == modgw.ReloadTouch {
		return modgw.ReloadTouch
	}
	return modgw.ReloadInotify
}
