package reload

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// folders is the host's one fsnotify watcher: each folder is watched once, however many apps look at it.
type folders struct {
	log    *slog.Logger
	notify *fsnotify.Watcher

	adding sync.Mutex // held while notify is changed; never by the goroutine that reads its events
	ids    map[string]fileID
	paths  map[fileID]string

	mu    sync.RWMutex
	byDir map[string]map[*inbox]bool
}

func newFolders(log *slog.Logger) (*folders, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &folders{log: log, notify: notify, ids: map[string]fileID{}, paths: map[fileID]string{}, byDir: map[string]map[*inbox]bool{}}, nil
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
	f.unname(dir)
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
		f.remove(dir)
	}
}

// unname ends watches that would hide the one of dir: inotify knows a folder by its inode, and fsnotify reports its events
// under the first path it was watched by, so that a folder which was renamed would keep its old name.
func (f *folders) unname(dir string) {
	info, err := os.Lstat(dir)
	if err != nil {
		return
	}
	id := idOf(info)
	if old, ok := f.ids[dir]; ok && old != id {
		f.remove(dir)
	}
	if old, ok := f.paths[id]; ok && old != dir {
		if there, err := os.Lstat(old); err != nil || idOf(there) != id {
			f.remove(old)
		}
	}
	f.ids[dir], f.paths[id] = id, dir
}

func (f *folders) remove(dir string) {
	_ = f.notify.Remove(dir) // the folder may be gone, and its watch with it
	id := f.ids[dir]
	delete(f.ids, dir)
	if f.paths[id] == dir {
		delete(f.paths, id)
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
			f.route(event)
		case err := <-f.notify.Errors:
			f.log.Warn("file events were lost; all watched files are looked at again", "err", err)
			f.everybody((*inbox).rescan)
		}
	}
}

// route hands an event to all that watch the folder it happened in, or the folder it happened to.
func (f *folders) route(e fsnotify.Event) {
	f.mu.RLock()
	defer f.mu.RUnlock()
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

func (f *folders) close() error { return f.notify.Close() }
