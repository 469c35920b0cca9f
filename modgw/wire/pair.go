package wire

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socketBuffer is how much may be on its way in each direction of a connection, so that a side that has a window's worth to
// send need not wait for the other one to run.
const socketBuffer = 2 * ThreadWindow

// Pair makes a connection: the host's end, and the end that a worker inherits.
func Pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a socket pair: %w", err)
	}
	for _, fd := range fds {
		// The kernel gives what it allows, which is more than the default everywhere.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), "host's end"), os.NewFile(uintptr(fds[1]), "worker's end")
	defer mine.Close() // FileConn duplicates it
	conn, err := net.FileConn(mine)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("cannot use a socket pair: %w", err)
	}
	return conn.(*net.UnixConn), theirs, nil
}
