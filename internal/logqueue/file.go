package logqueue

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// file writes to a descriptor with system calls. [os.File] would end this process with SIGPIPE if
// standard error is a pipe without a reader, and would fail if another process made the shared
// terminal non-blocking.
type file struct {
	fd   int
	open *os.File // keeps the descriptor open
}

// Write implements [io.Writer]. It waits as long as the reader makes it wait.
func (f *file) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := unix.Write(f.fd, p[written:])
		switch {
		case err == nil:
			written += n
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if err := f.awaitRoom(); err != nil {
				return written, err
			}
		default:
			return written, err
		}
	}
	return written, nil
}

// awaitRoom waits until a non-blocking descriptor accepts more data, or has failed.
func (f *file) awaitRoom() error {
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLOUT}}, -1)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}
