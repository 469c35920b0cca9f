package accesslog

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// lookInterval is the shortest interval of checks whether the file was moved, while lines are
// written.
const lookInterval = time.Second

// file appends to a file by its path, and opens it again when it was moved or removed. Only Reopen
// may be called from several goroutines.
type file struct {
	path   string // path is empty for a standard stream.
	out    *os.File
	looked time.Time
	moved  atomic.Bool
}

func openFile(path string) (*file, error) {
	if out, ok := standard[path]; ok {
		return &file{out: out}, nil
	}
	out, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	return &file{path: path, out: out, looked: time.Now()}, nil
}

// appendTo opens a file for appending. The last part of its path must be no link: another user
// could have laid it in a folder for logs.
func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o640)
}

// Write implements [io.Writer].
func (f *file) Write(p []byte) (int, error) {
	if f.path != "" {
		f.follow()
	}
	return f.out.Write(p)
}

// follow opens the file again where its path leads elsewhere now. Where that fails, lines go where
// they went before.
func (f *file) follow() {
	now := time.Now()
	if !f.moved.Swap(false) && now.Sub(f.looked) < lookInterval {
		return
	}
	f.looked = now
	here, err := os.Lstat(f.path)
	if err == nil {
		if open, err := f.out.Stat(); err == nil && os.SameFile(here, open) {
			return
		}
	}
	out, err := appendTo(f.path)
	if err != nil {
		return
	}
	_ = f.out.Close() // it is whole
	f.out = out
}
