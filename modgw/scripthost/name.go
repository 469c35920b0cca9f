package scripthost

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// name is that of a file which others may take away, as those do that clear folders for temporary
// files.
type name struct {
	path string
	file os.FileInfo // nil: it was gone from the beginning
	// inotify(7) instance; nil: the kernel has none left, so changes are not seen
	watch *os.File
	ended chan struct{} // closed when no one watches any more
}

// nameOf watches the name of a file until it is released. lost is called, once, when it leads to
// that file no more.
func nameOf(path string, lost func()) *name {
	n := &name{path: path, ended: make(chan struct{})}
	n.watch = watch(filepath.Dir(path))
	n.file, _ = os.Lstat(path) // without it, the name is lost
	go func() {
		defer close(n.ended)
		if n.watch != nil && n.awaitLoss() {
			lost()
		}
	}()
	return n
}

// awaitLoss returns when the name is lost, with true, or released.
func (n *name) awaitLoss() (lost bool) {
	events := make([]byte, 4096)
	for n.ours() {
		if _, err := n.watch.Read(events); err != nil {
			return false
		}
	}
	return true
}

// ours reports whether the name still leads to the file.
func (n *name) ours() bool {
	now, err := os.Lstat(n.path)
	return err == nil && n.file != nil && os.SameFile(n.file, now)
}

// release ends the watch.
func (n *name) release() {
	if n.watch != nil {
		n.watch.Close()
	}
	<-n.ended
}

// watch reports to its reader that a name in a folder or the folder itself has gone;
// nil: it cannot.
func watch(dir string) *os.File {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_DELETE|unix.IN_MOVE|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF); err != nil {
		file.Close()
		return nil
	}
	return file
}
