package venv

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is the interval of attempts to get a lock that others hold; waiting for flock(2) cannot
// be cancelled.
const lockPoll = 100 * time.Millisecond

// acquire locks the file at path, which is made when it is missing. It waits until ctx is done, and
// calls waiting once when others hold the lock. Closing the file releases the lock, as does the end
// of the process.
func acquire(ctx context.Context, path string, waiting func()) (*os.File, error) {
	for first := true; ; first = false {
		f, err := tryLock(path, unix.LOCK_EX, os.O_CREATE)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) {
			return f, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// share takes the lock together with others who share it; false when it is held exclusively, or
// there is none.
func share(path string) (*os.File, bool) {
	f, err := tryLock(path, unix.LOCK_SH, 0)
	return f, err == nil
}

// tryLock takes the lock if it is free; the error is EWOULDBLOCK when it is not. A file that was
// removed or replaced before it was locked is no lock, because others would not find it. Only this
// process's user may open the file: a user who can open it can keep it locked.
func tryLock(path string, how, flags int) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDONLY|flags, 0o600)
		if err != nil {
			return nil, err
		}
		if flags&os.O_CREATE != 0 {
			if err := f.Chmod(0o600); err != nil { // regardless of the umask
				f.Close()
				return nil, err
			}
		}
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if sameFile(f, path) {
			return f, nil
		}
		f.Close()
	}
}

// release gives the lock back, also from a process that outlived the build and still has the file.
func release(f *os.File) {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN) // an open file always can be unlocked
	f.Close()
}

func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}
