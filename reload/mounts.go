package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/mountinfo"
)

// mounts follows the table of mounts: a folder that is unmounted, or mounted over, sends no event.
type mounts struct {
	file  *os.File
	table atomic.Pointer[map[string]string] // mounts by path
}

// openMounts reads the table of this process.
func openMounts() (*mounts, error) {
	// Not os.Open: the runtime would poll the table, too, and take the notice of changes away.
	fd, err := unix.Open(mountinfo.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: mountinfo.Path, Err: err}
	}
	table := os.NewFile(uintptr(fd), mountinfo.Path)
	m := &mounts{file: table}
	m.table.Store(&map[string]string{})
	if _, err := m.read(); err != nil {
		table.Close()
		return nil, err
	}
	return m, nil
}

// points returns the paths at which something is mounted; none for nil.
func (m *mounts) points() map[string]string {
	if m == nil {
		return nil
	}
	return *m.table.Load()
}

// run calls changed with the paths that were mounted or unmounted, until ctx is done. It sleeps in
// the kernel in between.
func (m *mounts) run(ctx context.Context, changed func(paths []string)) error {
	defer m.file.Close()
	end, stop, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot follow mounts: %w", err)
	}
	defer end.Close()
	defer stop.Close()
	defer context.AfterFunc(ctx, func() { stop.Close() })()
	for {
		waiting := []unix.PollFd{
			{Fd: int32(m.file.Fd()), Events: unix.POLLPRI},
			{Fd: int32(end.Fd()), Events: unix.POLLIN},
		}
		_, err := unix.Poll(waiting, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("cannot follow mounts: %w", err)
		case waiting[1].Revents != 0:
			return nil
		}
		paths, err := m.read()
		if err != nil {
			return fmt.Errorf("cannot follow mounts: %w", err)
		}
		if len(paths) > 0 {
			changed(paths)
		}
	}
}

// read reads the table and returns the paths whose mounts differ.
func (m *mounts) read() (changed []string, err error) {
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(m.file)
	if err != nil {
		return nil, err
	}
	before, now := *m.table.Load(), map[string]string{}
	for _, mount := range mountinfo.Parse(string(text)) { // the last one at a path counts
		now[mount.Point] = mount.ID + " " + mount.Device + " " + mount.Root
	}
	m.table.Store(&now)
	for path := range maps.Keys(now) {
		if before[path] != now[path] {
			changed = append(changed, path)
		}
	}
	for path := range before {
		if _, ok := now[path]; !ok {
			changed = append(changed, path)
		}
	}
	return changed, nil
}
