package fastcgi

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// socket is a listening Unix socket that is given to a program. Only the host can connect to it: a
// user who can talk to a FastCGI program can have it run any script.
type socket struct {
	file *os.File // the listening socket, until it is handed over

	mu   sync.RWMutex
	node *os.File // folder entry to connect to; nil when the socket is closed
}

// listen makes a socket.
func listen() (*socket, error) {
	file, node, err := workers.ListenUnix()
	if err != nil {
		return nil, fmt.Errorf("cannot listen for a program: %w", err)
	}
	s := &socket{file: file, node: node}
	// Programs expect to wait in accept(2).
	if err := syscall.SetNonblock(int(file.Fd()), false); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *socket) connect(ctx context.Context) (net.Conn, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.node == nil {
		return nil, net.ErrClosed
	}
	return new(net.Dialer).DialContext(ctx, "unix", workers.PathOf(s.node))
}

// handedOver closes the host's copy of the program's socket, so that its connections break when the
// program ends.
func (s *socket) handedOver() { s.file.Close() }

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.node != nil {
		s.file.Close()
		s.node.Close()
		s.node = nil
	}
}

// connector returns a function that connects to the address of an external program, with the rights
// of a user for sockets with a path. A nil user means this process.
func connector(address modgw.Address, user *account.Account) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if user == nil || address.Network() != "unix" {
			return new(net.Dialer).DialContext(ctx, address.Network(), address.Target())
		}
		return connectAs(user, address.Target())
	}
}

// connectAs connects to a Unix socket with the rights of a user. It does not wait.
func connectAs(user *account.Account, path string) (net.Conn, error) {
	var file *os.File
	err := user.Do(func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		file = os.NewFile(uintptr(fd), path)
		return os.NewSyscallError("connect", unix.Connect(fd, &unix.SockaddrUnix{Name: path}))
	})
	if file != nil {
		defer file.Close()
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: path, Net: "unix"}, Err: err}
	}
	return net.FileConn(file)
}
