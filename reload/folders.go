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

// folders is the host's only fsnotify watcher. It watches each folder once, for all apps.
type folders struct {
	log     *slog.Logger
	notify  *fsnotify.Watcher
	probe   eventProbe
	cookies cookies

	adding sync.Mutex // held while notify is changed; not by the goroutine that reads events
	ids    map[string]fileID
	names  map[fileID][]string // all paths of a watched folder; fsnotify knows the first

	mu      sync.RWMutex
	byDir   map[string]map[*inbox]bool
	aliases map[string][]string // further mount points of folders, by the first
}

// newFolders watches nothing yet. Cookies are made in the folder own; "": there are none.
func newFolders(log *slog.Logger, own string) (*folders, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &folders{
		log:     log,
		notify:  notify,
		cookies: cookies{parent: own},
		ids:     map[string]fileID{},
		names:   map[fileID][]string{},
		byDir:   map[string]map[*inbox]bool{},
		aliases: map[string][]string{},
	}, nil
}

// watch makes events in dir go to the inbox. Calling it again is cheap and renews a watch that was
// lost when the folder was replaced. A folder that does not exist or may not be read is no error.
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

// forget ends the watch of dir for the inbox.
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

// hasNoEvents reports whether the file system of dir was probed and sends no events.
func (f *folders) hasNoEvents(dir string) bool { return f.probe.hasNoEvents(dir) }

// identify records which folder dir is. inotify knows a folder by its inode, and fsnotify reports
// events under the first path that it was watched by. So a renamed folder must lose its old name,
// and a folder that is mounted at two places has both names.
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
		f.noteAliases(id)
	}
}

// drop ends the watch of a folder under one name; its other names stay watched.
func (f *folders) drop(dir string) {
	id, ok := f.ids[dir]
	if !ok {
		_ = f.notify.Remove(dir) // it did not exist when it was watched
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
		_ = f.notify.Remove(dir) // it fails if the folder is gone
		f.mu.Lock()
		delete(f.aliases, dir)
		f.mu.Unlock()
		f.promote(names)
	}
	f.noteAliases(id)
}

// promote watches a folder under the first of its remaining names. A scan finds the changes in
// between.
func (f *folders) promote(names []string) {
	if len(names) == 0 {
		return
	}
	_ = f.notify.Add(names[0]) // the scan meets the same error and handles it
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, name := range names {
		for to := range f.byDir[name] {
			to.rescan()
		}
	}
}

// noteAliases records under which names a folder is mounted.
func (f *folders) noteAliases(id fileID) {
	names := f.names[id]
	if len(names) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(names) > 1 {
		f.aliases[names[0]] = slices.Clone(names[1:])
	} else {
		delete(f.aliases, names[0])
	}
}

// fileID identifies a folder.
type fileID struct{ device, inode uint64 }

func idOf(info fs.FileInfo) fileID {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(stat.Dev), stat.Ino}
	}
	return fileID{}
}

// deliver sends events to inboxes until ctx is done.
func (f *folders) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-f.notify.Events:
			if !f.cookies.handleEvent(event) {
				f.route(event)
			}
		case err := <-f.notify.Errors:
			f.log.Warn("file events were lost, all watched files are scanned again", "error", err)
			f.rescanAll()
		}
	}
}

// route sends an event to all that watch the folder it happened in, or the folder it happened to,
// under any name.
func (f *folders) route(e fsnotify.Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.sendToWatchers(e)
	dir, name := splitPath(e.Name)
	for _, alias := range f.aliases[dir] {
		f.sendToWatchers(fsnotify.Event{Name: filepath.Join(alias, name), Op: e.Op})
	}
	for _, alias := range f.aliases[e.Name] {
		f.sendToWatchers(fsnotify.Event{Name: alias, Op: e.Op})
	}
}

func (f *folders) sendToWatchers(e fsnotify.Event) {
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

// rescanAll makes all apps scan everything.
func (f *folders) rescanAll() {
	f.mu.RLock()
	defer f.mu.RUnlock()
	sent := map[*inbox]bool{}
	for _, inboxes := range f.byDir {
		for to := range inboxes {
			if !sent[to] {
				sent[to] = true
				to.rescan()
			}
		}
	}
}

func (f *folders) close() error { return errors.Join(f.notify.Close(), f.cookies.removeFolder()) }
