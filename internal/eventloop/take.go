package eventloop

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Take takes over the descriptor of a connection from Go's poller. If c is not a kernel connection,
// or no descriptor is available, ok is false and the connection stays unchanged.
func Take(c net.Conn) (fd int, ok bool) {
	s, isSocket := c.(syscall.Conn)
	if !isSocket {
		return -1, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return -1, false
	}
	fd = -1
	controlErr := raw.Control(func(theirs uintptr) { fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0) })
	if controlErr != nil || err != nil {
		return -1, false
	}
	c.Close() // the descriptor of the connection that is left; the connection goes on
	return fd, true
}

// Give gives a descriptor to Go's poller, as the connection that it is. After an error it is
// closed.
func Give(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // FileConn duplicates it
	return net.FileConn(file)
}
