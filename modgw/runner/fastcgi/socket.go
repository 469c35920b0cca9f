package fastcgi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// socketName is the name of the socket in its folder.
const socketName = "s"

// socket is a listening Unix socket that is given to a program. It is in a folder that only the
// host can enter: a user who can talk to a FastCGI program can have it run any script.
type socket struct {
	path string   // the path of the folder
	file *os.File // the listening socket, until it is handed over

	mu  sync.RWMutex
	dir *os.File // nil when the socket is closed
}

// listen makes a socket in a folder of its own below parent.
func listen(parent string) (_ *socket, err error) {
	if err := files.MakeFolder(parent, 0o711); err != nil {
		return nil, err
	}
	path, err := files.MakeTemporary(parent, "app-")
	if err != nil {
		return nil, err
	}
	s := &socket{path: path}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.Open(path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", address(s.dir))
	if err != nil {
		return nil, fmt.Errorf("cannot listen in %q: %w", path, err)
	}
	defer ln.Close()
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	if s.file, err = ln.(*net.UnixListener).File(); err != nil {
		return nil, err
	}
	// Programs expect to wait in accept(2).
	return s, syscall.SetNonblock(int(s.file.Fd()), false)
}

// address is a socket's path by way of its open folder, because the path itself may be longer than
// a socket's can be.
func address(dir *os.File) string { return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName) }

func (s *socket) connect(ctx context.Context) (net.Conn, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir == nil {
		return nil, net.ErrClosed
	}
	return new(net.Dialer).DialContext(ctx, "unix", address(s.dir))
}

// handedOver lets go of what the program has now alone, so that its connections break when it ends.
func (s *socket) handedOver() { s.file.Close() }

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range []*os.File{s.file, s.dir} {
		if f != nil {
			f.Close()
		}
	}
	s.dir = nil
	// No one else knows the folder; what is left of it does no harm.
	_ = errors.Join(os.Remove(filepath.Join(s.path, socketName)), os.Remove(s.path))
}

// connector returns what connects to an address of someone else's program, with the rights of a
// user for sockets with a path. nil: with those of this process.
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
