package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// Handover describes how a front passes its connections to another process, which listens on the
// same socket.
type Handover struct {
	// Pass passes on an idle connection as a descriptor, which it always closes. used reports
	// whether the connection has carried a request. It must not block.
	Pass func(fd int, used bool)

	// Hurry closes when the connections that cannot be passed must end within the drain timeout.
	// Until then their requests may take as long as they like.
	Hurry <-chan struct{}
}

// Limit returns a context that is done when the drain timeout is over: it begins when connections
// must hurry. For nil it begins now.
func (h *Handover) Limit(timeout time.Duration) (ctx context.Context, stop context.CancelFunc) {
	if h == nil {
		return context.WithTimeout(context.Background(), timeout)
	}
	ctx, stop = context.WithCancel(context.Background())
	go func() {
		select {
		case <-h.Hurry:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// Gate lets connections of another process in until it is closed. Its zero value is open.
type Gate struct {
	mu     sync.RWMutex
	closed bool
}

// Enter calls f, and reports whether it has: it does not after Close.
func (g *Gate) Enter(f func()) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if !g.closed {
		f()
	}
	return !g.closed
}

// Close returns when no f is called, nor will be.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// Leave makes the end of a listener harmless to another process that has its socket: clients go on
// connecting, and a Unix socket keeps its name.
func Leave(ln net.Listener) {
	if socket, ok := ln.(interface{ leave() }); ok {
		socket.leave()
	}
}

// Keep takes Leave back: the socket, and its name, end with the listener.
func Keep(ln net.Listener) {
	if socket, ok := ln.(interface{ keep() }); ok {
		socket.keep()
	}
}

// sharing records whether another process also has the socket of a listener, and keeps it.
type sharing struct{ left atomic.Bool }

func (s *sharing) leave()       { s.left.Store(true) }
func (s *sharing) keep()        { s.left.Store(false) }
func (s *sharing) isLeft() bool { return s.left.Load() }

// File returns the socket of a listener, to be passed to another process.
func File(ln net.Listener) (*os.File, error) {
	conn, ok := ln.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("cannot pass the listener at %s: it is no socket", ln.Addr())
	}
	return Duplicate(conn, ln.Addr().String())
}

// Duplicate returns another descriptor of a socket, as a file with a name. Unlike the File methods
// of package net it leaves the mode of the socket as it is.
func Duplicate(conn syscall.Conn, name string) (*os.File, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	controlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(controlErr, err); err != nil {
		return nil, fmt.Errorf("cannot pass the socket of %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Inherit is Open for a socket that another process has opened for the same settings and passed. It
// closes the file. The socket is the other process's until [Keep].
func Inherit(l modgw.Listener, socket *os.File) (net.Listener, error) {
	defer socket.Close()
	ln, err := net.FileListener(socket)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the socket that was passed for %s: %w", l.Address, err)
	}
	switch ln := ln.(type) {
	case *net.TCPListener:
		own := &tcpListener{TCPListener: ln}
		own.leave()
		return own, nil
	case *net.UnixListener:
		ln.SetUnlinkOnClose(false)
		path := l.Address.Target()
		info, err := os.Lstat(path)
		if err != nil { // its name is gone, and must not be removed
			return ln, nil
		}
		own := &unixListener{UnixListener: ln, path: path, own: info}
		own.leave()
		return own, nil
	}
	return ln, nil
}
