package reload

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// folders is the host's one fsnotify watcher: each folder is watched once, however many apps look at it.
type folders struct {
	log    *slog.Logger
	notify *fsnotify.Watcher
	ears   ears
	echo   echo

	adding sync.Mutex // held while notify is changed; never by the goroutine that reads its events
	ids    map[string]fileID
	names  map[fileID][]string // the paths under which a folder is watched; fsnotify knows it by the first

	mu    sync.RWMutex
	byDir map[string]map[*inbox]bool
	twins map[string][]string // the other names of folders that are mounted at several places, by the first
}

// newFolders watches nothing yet. The folder own is the host's, for its echoes; "" leaves them out.
func newFolders(log *slog.Logger, own string) (*folders, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &folders{
		log:    log,
		notify: notify,
		echo:   echo{parent: own},
		ids:    map[string]fileID{},
		names:  map[fileID][]string{},
		byDir:  map[string]map[*inbox]bool{},
		twins:  map[string][]string{},
	}, nil
}

// watch makes events in dir go to the inbox. Doing it again is cheap and mends a watch that was lost when the folder
// was replaced. A folder that is not there or may not be read is left out without an error.
func (f *folders) watch(dir string, to *inbox) error {
	f.adding.Lock()
	defer f.adding.Unlock()
	f.mu.Lock()
	if f.byDir[dir] == nil {
		f.byDir[dir] = map[*inbox]bool{}
	}
	f.byDir[dir][to] = true
	f.mu.Unlock()
	f.identify(dir)
	err := f.notify.Add(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}

// forget ends what watch began.
func (f *folders) forget(dir string, to *inbox) {
	f.adding.Lock()
	defer f.adding.Unlock()
	f.mu.Lock()
	delete(f.byDir[dir], to)
	last := len(f.byDir[dir]) == 0
	if last {
		delete(f.byDir, dir)
	}
	f.mu.Unlock()
	if last {
		f.drop(dir)
	}
}

// deaf reports whether the file system of dir was tried and sends no events.
func (f *folders) deaf(dir string) bool { return f.ears.deaf(dir) }

// identify notes which folder dir is. inotify knows a folder by its inode, and fsnotify reports its events under the
// first path it was watched by: so a folder that was renamed must not keep its old name, and one that is mounted at two
// places has both.
func (f *folders) identify(dir string) {
	info, err := os.Lstat(dir)
	if err != nil {
		return
	}
	id := idOf(info)
	if old, ok := f.ids[dir]; ok && old != id {
		f.drop(dir)
	}
	for _, other := range slices.Clone(f.names[id]) {
		if there, err := os.Lstat(other); err != nil || idOf(there) != id {
			f.drop(other)
		}
	}
	if !slices.Contains(f.names[id], dir) {
		f.ids[dir], f.names[id] = id, append(f.names[id], dir)
		f.pair(id)
	}
}

// drop ends the watch of a folder under one name; under its other names it goes on.
func (f *folders) drop(dir string) {
	id, ok := f.ids[dir]
	if !ok {
		_ = f.notify.Remove(dir) // it was never there, as far as is known
		return
	}
	delete(f.ids, dir)
	names := f.names[id]
	first := names[0] == dir
	names = slices.DeleteFunc(names, func(name string) bool { return name == dir })
	if f.names[id] = names; len(names) == 0 {
		delete(f.names, id)
	}
	if first {
		_ = f.notify.Remove(dir) // the folder may be gone, and its watch with it
		f.mu.Lock()
		delete(f.twins, dir)
		f.mu.Unlock()
		f.promote(names)
	}
	f.pair(id)
}

// promote watches a folder under the first of its names that are left. What happened in between is found by looking.
func (f *folders) promote(names []string) {
	if len(names) == 0 {
		return
	}
	_ = f.notify.Add(names[0]) // the look meets the same error and deals with it
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, name := range names {
		for to := range f.byDir[name] {
			to.rescan()
		}
	}
}

// pair tells route which folders have several names.
func (f *folders) pair(id fileID) {
	names := f.names[id]
	if len(names) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(names) > 1 {
		f.twins[names[0]] = slices.Clone(names[1:])
	} else {
		delete(f.twins, names[0])
	}
}

// fileID tells a folder from all others.
type fileID struct{ device, inode uint64 }

func idOf(info fs.FileInfo) fileID {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(stat.Dev), stat.Ino}
	}
	return fileID{}
}

// deliver hands events to inboxes until ctx is done.
func (f *folders) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-f.notify.Events:
			if !f.echo.hear(event) {
				f.route(event)
			}
		case err := <-f.notify.Errors:
			f.log.Warn("file events were lost; all watched files are looked at again", "err", err)
			f.everybody((*inbox).rescan)
		}
	}
}

// route hands an event to all that watch the folder it happened in, or the folder it happened to, under any name.
func (f *folders) route(e fsnotify.Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.hand(e)
	dir, name := splitPath(e.Name)
	for _, twin := range f.twins[dir] {
		f.hand(fsnotify.Event{Name: filepath.Join(twin, name), Op: e.Op})
	}
	for _, twin := range f.twins[e.Name] {
		f.hand(fsnotify.Event{Name: twin, Op: e.Op})
	}
}

func (f *folders) hand(e fsnotify.Event) {
	above := f.byDir[filepath.Dir(e.Name)]
	for to := range above {
		to.event(e)
	}
	for to := range f.byDir[e.Name] {
		if !above[to] {
			to.event(e)
		}
	}
}

func (f *folders) everybody(tell func(*inbox)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	told := map[*inbox]bool{}
	for _, inboxes := range f.byDir {
		for to := range inboxes {
			if !told[to] {
				told[to] = true
				tell(to)
			}
		}
	}
}

func (f *folders) close() error { return errors.Join(f.notify.Close(), f.echo.close()) }
