package venv

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a lock that others hold is tried; flock(2) cannot be waited for and given up.
const lockPoll = 100 * time.Millisecond

// acquire locks the file at path, which is made when it is missing, until ctx is done. waiting is called once when
// somebody else holds the lock. Closing the file gives the lock back, as does the end of the process.
//
// The file is never removed: whoever waited for it would hold the lock of a file that nobody else can find.
func acquire(ctx context.Context, path string, waiting func()) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			f.Close()
			return nil, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}
