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
	c.Close() // c's own descriptor; the connection remains open
	return fd, true
}

// Give returns a descriptor to Go's poller, as a net.Conn. The descriptor is closed after an error.
func Give(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // FileConn duplicates it
	return net.FileConn(file)
}
