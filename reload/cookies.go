package reload

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// cookies detect when the events of everything until now were delivered: a cookie is one more
// event, and the kernel keeps their order. They have their own folder from the first use on.
type cookies struct {
	parent string // folder to make the folder in; "": there are no cookies

	mu      sync.Mutex
	dir     string                   // "" before the first call
	count   int                      // numbers cookies, so that names are unique
	waiting map[string]chan struct{} // closed when the event of that path has come
}

// awaitDelivery returns when every event is delivered that the kernel had at its beginning, or ctx
// is done.
func (c *cookies) awaitDelivery(ctx context.Context, watcher *folders) {
	path, seen := c.add(watcher)
	if seen == nil {
		return
	}
	defer c.remove(path)
	if os.Symlink("-", path) != nil { // cheaper than a file
		return
	}
	defer os.Remove(path)
	select {
	case <-seen:
	case <-ctx.Done():
	}
}

// add returns the path of a new cookie, and a channel that is closed by its event; nil when there
// are no events.
func (c *cookies) add(watcher *folders) (path string, seen chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" && !c.makeFolder(watcher) {
		return "", nil
	}
	c.count++
	path, seen = filepath.Join(c.dir, strconv.Itoa(c.count)), make(chan struct{})
	c.waiting[path] = seen
	return path, seen
}

// makeFolder makes the folder of cookies; c.mu is held.
func (c *cookies) makeFolder(watcher *folders) bool {
	if c.parent == "" {
		return false
	}
	dir := filepath.Join(c.parent, ".cookies")
	err := os.RemoveAll(dir) // a host that was killed has left it
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = watcher.watch(dir, newInbox())
	}
	if err != nil {
		_ = os.Remove(dir)
		c.parent = "" // it would fail again
		return false
	}
	c.dir, c.waiting = dir, map[string]chan struct{}{}
	return true
}

func (c *cookies) remove(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, path)
}

// handleEvent reports whether an event belongs to a cookie.
func (c *cookies) handleEvent(event fsnotify.Event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" || filepath.Dir(event.Name) != c.dir {
		return false
	}
	if seen := c.waiting[event.Name]; seen != nil && event.Has(fsnotify.Create) {
		close(seen)
		delete(c.waiting, event.Name)
	}
	return true
}

func (c *cookies) removeFolder() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}
