package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// unnamed creates a file without a name in dir, so that nothing is left of it if the host is
// killed.
func unnamed(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), dir+"/(spool)"), nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return unlinked(dir)
	}
	return nil, &os.PathError{Op: "open", Path: dir, Err: err}
}

// unlinked is unnamed for file systems without O_TMPFILE.
func unlinked(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "body-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
