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

// lookAgain bounds how often a look is repeated because it found further folders to watch.
const lookAgain = 5

// look scans all files and watches the folders that it finds.
func (a *app) look(ctx context.Context) {
	a.dirty.addAll()
	a.lookAtDirty(ctx)
}

// lookAtDirty looks at what may have changed since the last look.
func (a *app) lookAtDirty(ctx context.Context) {
	select {
	case a.shared.scans <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-a.shared.scans }()
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	a.decide()
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
	if a.dirty = (dirty{}); s.flawed {
		a.dirty.addAll()
	}
	if s.err != nil {
		a.exhausted(s.err)
	}
	if a.full = s.full; a.full {
		a.warn("too many folders; changes below the rest are not seen", tooManyFolders(a.now.Interest))
	}
	if a.crowded = s.outside.crowded; a.crowded != "" {
		a.warn("not all that links lead to is watched", crowdedLink(a.crowded))
	}
	a.left = map[string]bool{}
	for dir := range a.last.dirs {
		if s.out.dirs[dir] == nil {
			a.left[dir] = true
		}
	}
	a.last = s.out
	a.unwatchOthers()
	a.findBlind()
	a.show()
}

// scan looks at all files after the folders on the way to them are watched, and again when it finds more of those. The
// error means that nothing was looked at.
func (a *app) scan(ctx context.Context) (*scanner, error) {
	for range lookAgain {
		paths := newSnapshot()
		if err := a.now.Account.Do(func() error { a.now.rules.trace(paths); return nil }); err != nil {
			return nil, err
		}
		if grown, _ := a.watchPins(paths); !grown {
			break
		}
	}
	s, previous := a.scanner(), a.last
	for range lookAgain {
		s.previous = previous
		if err := a.now.Account.Do(func() error { s.scan(ctx); return nil }); err != nil {
			return nil, err
		}
		grown, err := a.watchPins(s.out)
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
		rules:  a.now.rules,
		root:   a.now.Root,
		disk:   a.disk(a.now.Interest),
		inodes: a.remote == "",
		hash:   true,
	}
	if a.polling == "" {
		s.enter = a.enter
	}
	return s
}

func (a *app) enter(dir string) error {
	if err := a.watcher.watch(dir, a.inbox); err != nil {
		return err
	}
	a.watched[dir] = true
	return nil
}

// watchPins watches the folders of pins, with this process's own rights: only the pinned names in them count. It reports
// whether one of them was not watched before.
func (a *app) watchPins(s *snapshot) (grown bool, err error) {
	if a.polling != "" {
		return false, nil
	}
	for dir := range s.pins {
		grown = grown || !a.watched[dir]
		if err := a.enter(dir); err != nil {
			return false, err
		}
	}
	return grown, nil
}

// decide chooses between events and polling.
func (a *app) decide() {
	switch {
	case a.polling != "":
		return
	case a.now.Mode == modgw.ReloadPoll:
		a.polling = "the descriptor says so"
	case a.watcher == nil:
		a.polling, a.spent = "there are no file events", true
	case a.now.Mode != modgw.ReloadInotify && a.remote != "":
		a.polling = a.remote
		a.log.Info("files are polled", "reason", a.polling)
	}
	if a.polling != "" {
		a.unwatch()
	}
}

// deafness says why files send no events that tell everything; "" when they do.
func (a *app) deafness() string {
	if reason := a.now.rules.remote(); reason != "" || a.watcher == nil {
		return reason
	}
	for _, t := range a.now.rules.trees {
		if a.watcher.deaf(t.base) {
			return t.base + " sends no events"
		}
	}
	return ""
}

// exhausted goes over to polling because a folder cannot be watched. All apps together complain once.
func (a *app) exhausted(err error) {
	a.polling, a.spent = err.Error(), true
	a.unwatch()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		if !a.shared.once.first("exhausted") {
			return
		}
		err = watchesExhausted(err)
	}
	a.warn("files are polled, for events are not to be had", err)
}

// mend goes back to events where they could not be had, and reports whether it does.
func (a *app) mend(ctx context.Context, watcher folderWatcher) bool {
	a.watcher = watcher
	if !a.spent {
		return false
	}
	a.spent, a.polling, a.warned = false, "", ""
	a.remote = a.deafness()
	a.look(ctx)
	return true
}

// warn logs trouble once until there is other trouble.
func (a *app) warn(message string, err error) {
	if a.warned == err.Error() {
		return
	}
	a.warned = err.Error()
	a.log.Warn(message, "err", err)
}

func (a *app) unwatch() {
	for dir := range a.watched {
		a.watcher.forget(dir, a.inbox)
	}
	clear(a.watched)
}

func (a *app) unwatchOthers() {
	for dir := range a.watched {
		if a.last.dirs[dir] == nil && a.last.pins[dir] == nil {
			a.watcher.forget(dir, a.inbox)
			delete(a.watched, dir)
		}
	}
}

// concerns reports whether an event for name in a folder of a tree matters, and watches name if it is a new folder.
func (a *app) concerns(ctx context.Context, p place, e fsnotify.Event, name string) bool {
	rel := filepath.Join(p.rel, name)
	switch {
	case name == "pyvenv.cfg" && p.depth > 0:
		a.dirty.add(filepath.Dir(e.Name)) // the folder becomes an environment, or is none any more
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
	a.arm(ctx, p.tree, e.Name, rel, p.depth+1)
	return true
}

// arm watches a new folder and all below it.
func (a *app) arm(ctx context.Context, t *tree, real, rel string, depth int) {
	s := a.scanner()
	s.hash, s.out, s.now = false, newSnapshot(), time.Now()
	s.base, s.names, s.open = real, map[string]int{}, map[string]bool{}
	err := a.now.Account.Do(func() error { s.walk(ctx, t, real, rel, depth); return nil })
	if err != nil || s.err != nil {
		return // the look that follows meets the same error and deals with it
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
