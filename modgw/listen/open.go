package listen

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// defaultMode lets the owner and the group of a Unix socket connect.
const defaultMode = 0o660

// Open opens the socket of a listener. An error is a *modgw.Fault.
//
// A Unix socket appears under its name with its final mode and owner. It replaces a socket on which
// no process answers, but not one on which a process does. Closing the listener removes the name if
// it still belongs to the listener.
func Open(l modgw.Listener) (net.Listener, error) {
	if l.Address.Network() == "unix" {
		return openUnix(l)
	}
	ln, err := listenTCP(l.Address.Target())
	if err != nil {
		return nil, tcpFault(l.Address, err)
	}
	return ln, nil
}

// Replace is Open for a host that takes over from another: a Unix socket is taken even from one
// that answers. Who connects before gets the old listener and after it the new one; there is no
// moment without either.
func Replace(l modgw.Listener) (net.Listener, error) {
	if l.Address.Network() != "unix" {
		return Open(l)
	}
	return bindUnix(l)
}

func openUnix(l modgw.Listener) (net.Listener, error) {
	path := l.Address.Target()
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, unixFault(l.Address, err)
	case info.Mode()&fs.ModeSocket == 0:
		return nil, notASocket(l.Address)
	case answers(path):
		return nil, inUse(l.Address, nil)
	}
	return bindUnix(l)
}

// answers reports whether someone accepts connections on a Unix socket. A full backlog is an
// answer too.
func answers(path string) bool {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return true
	}
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded)
}

// bindUnix binds a temporary name and renames it over the proper one when its mode and owner are
// right.
func bindUnix(l modgw.Listener) (net.Listener, error) {
	path := l.Address.Target()
	temporary := temporaryName(path)
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unixFault(l.Address, err)
	}
	ln, err := listenPrivately(temporary)
	if err != nil {
		return nil, unixFault(l.Address, err)
	}
	own, err := os.Lstat(temporary)
	if err := errors.Join(err, permit(temporary, l), os.Rename(temporary, path)); err != nil {
		ln.Close()
		_ = os.Remove(temporary)
		return nil, unixFault(l.Address, err)
	}
	return &unixListener{UnixListener: ln, path: path, own: own}, nil
}

// maxPath is the longest path of a Unix socket in bytes (unix(7)).
const maxPath = 107

// temporaryName is where the socket is bound at first. Tools such as ss(8) show this name for good.
func temporaryName(path string) string {
	if name := path + ".new"; len(name) <= maxPath {
		return name
	}
	return filepath.Join(filepath.Dir(path), ".m")
}

// listenPrivately listens on a Unix socket to which at first no other process may connect.
func listenPrivately(path string) (*net.UnixListener, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var chmodErr error
		err := raw.Control(func(fd uintptr) { chmodErr = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(err, chmodErr)
	}}
	ln, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	return ln.(*net.UnixListener), nil
}

func permit(path string, l modgw.Listener) error {
	mode := fs.FileMode(l.Mode) & fs.ModePerm
	if mode == 0 {
		mode = defaultMode
	}
	uid, gid, err := ownerIDs(l.Owner, l.Group)
	if err != nil {
		return err
	}
	return errors.Join(os.Chown(path, uid, gid), os.Chmod(path, mode))
}

// unixListener removes its name when it is closed, unless another socket has the name by then.
type unixListener struct {
	*net.UnixListener
	path string
	own  fs.FileInfo
	once sync.Once
	sharing
}

// Addr is the address by which clients know the socket.
func (ln *unixListener) Addr() net.Addr {
	return &net.UnixAddr{Name: ln.path, Net: "unix"}
}

// Close removes the name first, so that no client connects to a socket that is no longer served.
func (ln *unixListener) Close() error {
	ln.removeName()
	return ln.UnixListener.Close()
}

// refuse removes the name, and refuses clients that have looked it up before. Connections in the
// backlog can still be accepted.
func (ln *unixListener) refuse() {
	ln.removeName()
	raw, err := ln.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
}

func (ln *unixListener) removeName() {
	if ln.isLeft() {
		return
	}
	ln.once.Do(func() {
		if now, err := os.Lstat(ln.path); err == nil && os.SameFile(now, ln.own) {
			_ = os.Remove(ln.path) // the next host recognises a leftover socket as stale
		}
	})
}
