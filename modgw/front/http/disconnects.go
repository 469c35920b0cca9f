package http

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// disconnects hears of clients that go while a request of theirs is answered and nobody reads from
// the connection. One goroutine waits for all of them, where net/http would wake one for each
// request, and stop it again.
//
// A client that only ends its sending side may wait for the answer, and over TCP one that has
// closed the connection looks the same until something is sent to it. So the end of the sending
// side counts only when no response has begun some time later: see [presence].
type disconnects struct {
	epoll int
	file  *os.File        // of epoll
	ready syscall.RawConn // likewise

	mu    sync.Mutex
	conns map[int32]*conn // by descriptor
}

func newDisconnects() (*disconnects, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot watch connections: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or else Go would not wait for it in its own poller
		unix.Close(fd)
		return nil, fmt.Errorf("cannot watch connections: %w", err)
	}
	d := &disconnects{epoll: fd, file: os.NewFile(uintptr(fd), "epoll"), conns: map[int32]*conn{}}
	if d.ready, err = d.file.SyscallConn(); err != nil {
		d.close()
		return nil, fmt.Errorf("cannot watch connections: %w", err)
	}
	return d, nil
}

// add has c told when its client has gone: when the connection was reset, or closed in both
// directions. It reports whether that is possible.
func (d *disconnects) add(c *conn) (ok bool) {
	s, isSocket := c.raw.(syscall.Conn)
	if d == nil || !isSocket {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err = raw.Control(func(fd uintptr) {
		c.fd = int32(fd)
		event := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLET, Fd: c.fd}
		ok = unix.EpollCtl(d.epoll, unix.EPOLL_CTL_ADD, int(fd), &event) == nil
	})
	if ok = ok && err == nil; ok {
		d.conns[c.fd] = c
	}
	return ok
}

// remove forgets c, which is about to be closed; that takes its descriptor off the epoll instance.
func (d *disconnects) remove(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns[c.fd] == c { // the descriptor may have come back with another one already
		delete(d.conns, c.fd)
	}
}

// release forgets c, whose connection goes on without its descriptor.
func (d *disconnects) release(c *conn) {
	d.remove(c)
	_ = unix.EpollCtl(d.epoll, unix.EPOLL_CTL_DEL, int(c.fd), nil) // which closing one of several does not do
}

// run tells connections until close is called.
func (d *disconnects) run() {
	for {
		var events [64]unix.EpollEvent
		n := 0
		err := d.ready.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events[:], 0)
			return n > 0
		})
		if err != nil {
			return // it was closed
		}
		for _, event := range events[:n] {
			d.mu.Lock()
			c := d.conns[event.Fd]
			d.mu.Unlock()
			switch {
			case c == nil:
			case event.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0:
				c.presence.end()
			default:
				c.presence.endInput()
			}
		}
	}
}

func (d *disconnects) close() { d.file.Close() }
