package eventloop

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Take takes the descriptor of a connection away from Go's poller. ok is false, and the connection
// left as it is, for what is none of the kernel's or when there is no descriptor to be had.
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
