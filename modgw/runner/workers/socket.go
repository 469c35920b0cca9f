package workers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/files"
)

// ListenUnix listens on a Unix socket that only this process can connect to, by its node: the
// folder entry, whose name is removed at once. So nothing is left behind when this process ends,
// however it ends.
func ListenUnix() (listener, node *os.File, err error) {
	path, err := files.MakeTemporary("", "modgw-socket-") // that only this user may enter
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(path)) }()
	folder, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer folder.Close()
	name := filepath.Join(PathOf(folder), "socket") // path may be longer than a socket's can be
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: name})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open %q: %w", name, err)
	}
	node = os.NewFile(uintptr(fd), name)
	if listener, err = l.File(); err != nil {
		node.Close()
		return nil, nil, err
	}
	return listener, node, nil
}

// PathOf returns a path of an open file: for a node of ListenUnix, the path to connect to.
func PathOf(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }
