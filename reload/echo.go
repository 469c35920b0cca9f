package reload

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// echo tells when the events of all that has happened until now were delivered: it makes one more, and the kernel keeps
// their order. It has a folder of its own from its first call on.
type echo struct {
	parent string // where that folder is made; "": there are no echoes

	mu      sync.Mutex
	dir     string                   // "" before the first call
	count   int                      // of calls, so that no two have one name
	waiting map[string]chan struct{} // closed when the event of that path has come
}

// call returns when every event is delivered that the kernel had at its beginning, or ctx is done.
func (e *echo) call(ctx context.Context, watcher *folders) {
	path, heard := e.expect(watcher)
	if heard == nil {
		return
	}
	defer e.forget(path)
	if os.Symlink("-", path) != nil { // cheaper than a file, and as much of an event
		return
	}
	defer os.Remove(path)
	select {
	case <-heard:
	case <-ctx.Done():
	}
}

// expect returns the path of the next event and what closes when it comes; nil when there are no events.
func (e *echo) expect(watcher *folders) (path string, heard chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir == "" && !e.open(watcher) {
		return "", nil
	}
	e.count++
	path, heard = filepath.Join(e.dir, strconv.Itoa(e.count)), make(chan struct{})
	e.waiting[path] = heard
	return path, heard
}

// open makes the folder; e.mu is held.
func (e *echo) open(watcher *folders) bool {
	if e.parent == "" {
		return false
	}
	dir := filepath.Join(e.parent, ".echo")
	err := os.RemoveAll(dir) // a host that was killed has left it
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = watcher.watch(dir, newInbox())
	}
	if err != nil {
		_ = os.Remove(dir)
		e.parent = "" // it would go on failing
		return false
	}
	e.dir, e.waiting = dir, map[string]chan struct{}{}
	return true
}

func (e *echo) forget(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, path)
}

// hear takes an event, and reports whether it was of its own making.
func (e *echo) hear(event fsnotify.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir == "" || filepath.Dir(event.Name) != e.dir {
		return false
	}
	if heard := e.waiting[event.Name]; heard != nil && event.Has(fsnotify.Create) {
		close(heard)
		delete(e.waiting, event.Name)
	}
	return true
}

func (e *echo) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dir == "" {
		return nil
	}
	return os.RemoveAll(e.dir)
}
