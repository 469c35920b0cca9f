package reload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/modgw"
)

// scanRepeats bounds how often a scan is repeated because it found further folders to watch.
const scanRepeats = 5

// scanAll scans all files and watches the folders that it finds.
func (a *app) scanAll(ctx context.Context) {
	a.dirty.addAll()
	a.scanDirty(ctx)
}

// scanDirty scans the paths that may have changed since the last scan.
func (a *app) scanDirty(ctx context.Context) {
	select {
	case a.shared.scans <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-a.shared.scans }()
	began := time.Now()
	defer func() { a.scanTook = time.Since(began) }()
	a.chooseMode()
	s, done := a.rescan(ctx)
	if !done {
		var err error
		if s, err = a.scan(ctx); err != nil && ctx.Err() == nil {
			a.warn("files could not be looked at", err)
		}
		if err != nil || ctx.Err() != nil {
			a.dirty.addAll()
			return
		}
	}
	if a.dirty = (dirty{}); s.incomplete {
		a.dirty.addAll()
	}
	if s.err != nil {
		a.fallBackToPolling(s.err)
	}
	if a.tooManyFolders = s.full; a.tooManyFolders {
		a.warn("too many folders; changes below the rest are not seen", tooManyFolders(a.interest.Interest))
	}
	if a.oversizedLink = s.outside.oversizedLink; a.oversizedLink != "" {
		a.warn("not everything behind links is watched", oversizedLinkFault(a.oversizedLink))
	}
	a.removedFolders = map[string]bool{}
	for dir := range a.last.dirs {
		if s.out.dirs[dir] == nil {
			a.removedFolders[dir] = true
		}
	}
	a.last = s.out
	a.unwatchOthers()
	a.findFileMounts()
	a.updateStatus()
}

// scan watches the folders on the way to the files, scans all files, and repeats that when it
// finds more such folders. An error means that nothing was scanned.
func (a *app) scan(ctx context.Context) (*scanner, error) {
	for range scanRepeats {
		paths := newSnapshot()
		if err := a.interest.Account.Do(func() error { a.interest.rules.trace(paths); return nil }); err != nil {
			return nil, err
		}
		if grown, _ := a.watchAncestors(paths); !grown {
			break
		}
	}
	s, previous := a.scanner(), a.last
	for range scanRepeats {
		s.previous = previous
		if err := a.interest.Account.Do(func() error { s.scan(ctx); return nil }); err != nil {
			return nil, err
		}
		grown, err := a.watchAncestors(s.out)
		if s.err == nil {
			s.err = err
		}
		if !grown || s.err != nil {
			break
		}
		previous = s.out
	}
	return s, nil
}

func (a *app) scanner() *scanner {
	s := &scanner{
		rules:  a.interest.rules,
		root:   a.interest.Root,
		disk:   a.disk(a.interest.Interest),
		inodes: a.noEvents == "",
	}
	if a.polling == "" {
		s.watchFolder = a.watchFolder
	}
	return s
}

func (a *app) watchFolder(dir string) error {
	if err := a.watcher.watch(dir, a.inbox); err != nil {
		return err
	}
	a.watched[dir] = true
	return nil
}

// watchAncestors watches the folders on the way to files, with this process's own rights: only
// single names in them count. It reports whether one was not watched before.
func (a *app) watchAncestors(s *snapshot) (grown bool, err error) {
	if a.polling != "" {
		return false, nil
	}
	for dir := range s.ancestors {
		grown = grown || !a.watched[dir]
		if err := a.watchFolder(dir); err != nil {
			return false, err
		}
	}
	return grown, nil
}

// chooseMode chooses between events and polling.
func (a *app) chooseMode() {
	switch {
	case a.polling != "":
		return
	case a.interest.Mode == modgw.ReloadPoll:
		a.polling = "the descriptor says so"
	case a.watcher == nil:
		a.polling, a.eventsFailed = "there are no file events", true
	case a.interest.Mode != modgw.ReloadInotify && a.noEvents != "":
		a.polling = a.noEvents
		a.log.Info("files are polled", "reason", a.polling)
	}
	if a.polling != "" {
		a.unwatch()
	}
}

// noEventsReason explains why file events cannot be trusted, or returns "".
func (a *app) noEventsReason() string {
	if reason := a.interest.rules.noEventsReason(); reason != "" || a.watcher == nil {
		return reason
	}
	for _, t := range a.interest.rules.trees {
		if a.watcher.hasNoEvents(t.base) {
			return t.base + " sends no events"
		}
	}
	return ""
}

// fallBackToPolling polls because a folder cannot be watched. Exhausted limits are logged once for
// all apps.
func (a *app) fallBackToPolling(err error) {
	a.polling, a.eventsFailed = err.Error(), true
	a.unwatch()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		if a.shared.exhausted.Swap(true) {
			return
		}
		err = watchesExhausted(err)
	}
	a.warn("files are polled, because there are no file events", err)
}

// retryEvents tries events again after fallBackToPolling. It reports false when the app was not
// polled for that reason.
func (a *app) retryEvents(ctx context.Context, watcher folderWatcher) bool {
	a.watcher = watcher
	if !a.eventsFailed {
		return false
	}
	a.eventsFailed, a.polling, a.lastWarning = false, "", ""
	a.noEvents = a.noEventsReason()
	a.scanAll(ctx)
	return true
}

// warn logs a warning unless it repeats the last one.
func (a *app) warn(message string, err error) {
	if a.lastWarning == err.Error() {
		return
	}
	a.lastWarning = err.Error()
	a.log.Warn(message, "error", err)
}

func (a *app) unwatch() {
	for dir := range a.watched {
		a.watcher.forget(dir, a.inbox)
	}
	clear(a.watched)
}

func (a *app) unwatchOthers() {
	for dir := range a.watched {
		if a.last.dirs[dir] == nil && a.last.ancestors[dir] == nil {
			a.watcher.forget(dir, a.inbox)
			delete(a.watched, dir)
		}
	}
}

// eventMatters reports whether an event for name in a folder of a tree matters, and watches name
// if it is a new folder.
func (a *app) eventMatters(ctx context.Context, p place, e fsnotify.Event, name string) bool {
	rel := filepath.Join(p.rel, name)
	switch {
	case name == "pyvenv.cfg" && p.depth > 0:
		a.dirty.add(filepath.Dir(e.Name)) // it becomes an environment, or stops being one
	case p.unlisted:
		return false
	case p.tree.class(rel) != Nothing:
		return true
	case p.tree.unfinished(rel, false), p.tree.unfinished(rel, true):
		a.dirty.add(e.Name)
	}
	if !e.Has(fsnotify.Create) || !p.tree.descends(rel, p.depth+1) {
		return false
	}
	info, err := os.Lstat(e.Name)
	switch {
	case err != nil:
		return false
	case info.Mode()&os.ModeSymlink != 0:
		return true
	case !info.IsDir():
		return false
	}
	a.watchNewFolder(ctx, p.tree, e.Name, rel, p.depth+1)
	return true
}

// watchNewFolder watches a new folder and all folders below it.
func (a *app) watchNewFolder(ctx context.Context, t *tree, real, rel string, depth int) {
	s := a.scanner()
	s.mode, s.out, s.now = scanFolders, newSnapshot(), time.Now()
	s.base, s.names, s.open = real, map[string]int{}, map[string]bool{}
	err := a.interest.Account.Do(func() error { s.walk(ctx, t, real, rel, depth); return nil })
	if err != nil || s.err != nil {
		return // the scan that follows meets the same error and handles it
	}
	for dir, places := range s.out.dirs {
		for _, p := range places {
			if !slices.Contains(a.last.dirs[dir], p) {
				a.last.dirs[dir] = append(a.last.dirs[dir], p)
			}
		}
	}
}

func splitPath(path string) (dir, name string) { return filepath.Dir(path), filepath.Base(path) }
