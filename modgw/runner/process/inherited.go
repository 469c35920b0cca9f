package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/files"
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
		return openUnix()
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	return &inherited{address: address{"tcp4", l.Addr().String(), true}, file: file}, err
}

// openUnix makes a Unix socket and removes its name at once: it is reached by way of a descriptor
// for what the name stood for. So nothing is left behind when this process ends, however it ends,
// and no one else can connect.
func openUnix() (_ *inherited, err error) {
	folder, err := files.MakeTemporary("", "modgw-socket-") // that only this user may enter
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	name := filepath.Join(folder, "http")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", name, err)
	}
	s := &inherited{address: address{"unix", fmt.Sprintf("/proc/self/fd/%d", fd), true}, node: os.NewFile(uintptr(fd), name)}
	if s.file, err = l.File(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
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
