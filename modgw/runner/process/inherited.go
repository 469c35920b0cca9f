package process

import (
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw/runner/workers"
)

// inherited is a listening socket that a program gets as descriptor 3. For programs of the app's
// own Go module it is a Unix socket without a name, which only this process can reach. Other
// programs get one of TCP on the loopback interface, because many of them believe the headers of a
// proxy by its address, and look at nothing but 127.0.0.1.
type inherited struct {
	address address
	file    *os.File // nil once only the program has it
	node    *os.File // the folder entry of a Unix socket; nil for TCP
}

// openInherited makes a socket and listens on it.
func openInherited(network string) (*inherited, error) {
	if network == "unix" {
		file, node, err := workers.ListenUnix()
		if err != nil {
			return nil, err
		}
		return &inherited{address: address{"unix", workers.PathOf(node), true}, file: file, node: node}, nil
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	return &inherited{address: address{"tcp4", l.Addr().String(), true}, file: file}, err
}

// waiting reports whether a connection waits to be accepted. It leaves the socket as the program
// has set it: Fd would make it block for the program too.
func (s *inherited) waiting() bool {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return true
	}
	pending := true
	_ = raw.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		pending = err != nil || n > 0
	})
	return pending
}

// closeFile leaves the socket to the program.
func (s *inherited) closeFile() (err error) {
	if s != nil && s.file != nil {
		err, s.file = s.file.Close(), nil
	}
	return err
}

// close lets go of the socket altogether.
func (s *inherited) close() {
	if s == nil {
		return
	}
	_ = s.closeFile()
	if s.node != nil {
		s.node.Close()
		s.node = nil
	}
}
