package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// canaryLimit is how long an event of the host's own making may take.
const canaryLimit = 3 * time.Second

// canary proves that events arrive: it changes a file in a new folder below dir, which it takes away again, and waits for
// the event on the way that all events take. A dir that cannot be written to proves nothing, and is no error.
func canary(ctx context.Context, watcher folderWatcher, dir string, limit time.Duration) error {
	dir, err := os.MkdirTemp(dir, ".canary-")
	if err != nil {
		return nil
	}
	defer os.RemoveAll(dir)
	in := newInbox()
	defer watcher.forget(dir, in)
	if err := watcher.watch(dir, in); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "canary"), []byte("!"), 0o600); err != nil {
		return nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-in.wake:
		return nil
	case <-ctx.Done():
		return nil
	case <-timer.C:
		return fmt.Errorf("nothing was heard of a file that was changed in %q for %s", dir, limit)
	}
}

// ears know which file systems send events. The zero value knows of none yet.
type ears struct {
	mu     sync.Mutex
	tested map[uint64]bool // whether events came, by device
}

// deaf tries the file system of dir once, without writing to it: to open a folder is an event, too.
func (e *ears) deaf(dir string) bool {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	hears, ok := e.tested[st.Dev]
	if !ok {
		if e.tested == nil {
			e.tested = map[uint64]bool{}
		}
		hears = heard(dir)
		e.tested[st.Dev] = hears
	}
	return !hears
}

// heard reports whether opening dir makes an event; true when it cannot be tried.
func heard(dir string) bool {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN); err != nil {
		return true
	}
	folder, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	unix.Close(folder)
	// The kernel queues the event before the open returns.
	_, err = unix.Read(fd, make([]byte, 4096))
	return !errors.Is(err, unix.EAGAIN)
}
