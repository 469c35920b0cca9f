package wire

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
)

// socketBuffer is the number of bytes that may be in transit in each direction of a connection, so
// that a side can send a full window without waiting for the other one to run.
const socketBuffer = 2 * ThreadWindow

// Pair makes a connection: the host's end, and the end that a worker inherits.
func Pair() (*net.UnixConn, *os.File, error) {
	fds, err := socketPair()
	if err != nil {
		return nil, nil, err
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

// LoopPair is Pair whose host's end a loop listens to; arrived is as in [eventloop.Socket].
func LoopPair(l *eventloop.Loop, arrived func() bool) (*eventloop.Socket, *os.File, error) {
	fds, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	mine, theirs := eventloop.NewSocket(fds[0]), os.NewFile(uintptr(fds[1]), "worker's end")
	mine.Arrived = arrived
	err = unix.SetNonblock(fds[0], true)
	if err == nil {
		err = mine.Register(l)
	}
	if err != nil {
		mine.Close()
		theirs.Close()
		return nil, nil, fmt.Errorf("cannot use a socket pair: %w", err)
	}
	return mine, theirs, nil
}

func socketPair() (fds [2]int, err error) {
	if fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return fds, fmt.Errorf("cannot make a socket pair: %w", err)
	}
	for _, fd := range fds {
		// The kernel sets as much as it allows, which is more than the default everywhere.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	}
	return fds, nil
}
