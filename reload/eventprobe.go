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

// canaryLimit is how long the event of the host's own change may take.
const canaryLimit = 3 * time.Second

// proveEvents changes a file in a new folder below dir, which it removes again, and waits for the
// event like any watcher. If it may not write to dir, it proves nothing and returns nil.
func proveEvents(ctx context.Context, watcher folderWatcher, dir string, limit time.Duration) error {
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
		return fmt.Errorf("no event came for a file that was changed in %q within %s", dir, limit)
	}
}

// eventProbe finds out which file systems send events. The zero value is ready.
type eventProbe struct {
	mu          sync.Mutex
	sendsEvents map[uint64]bool // whether events came, by device
}

// hasNoEvents tries the file system of dir once, without writing: opening a folder is an event,
// too.
func (p *eventProbe) hasNoEvents(dir string) bool {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	sends, ok := p.sendsEvents[st.Dev]
	if !ok {
		if p.sendsEvents == nil {
			p.sendsEvents = map[uint64]bool{}
		}
		sends = sendsEvents(dir)
		p.sendsEvents[st.Dev] = sends
	}
	return !sends
}

// sendsEvents reports whether opening dir makes an event; true when that cannot be tried.
func sendsEvents(dir string) bool {
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
