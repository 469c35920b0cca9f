package scripthost

import (
	"net"
	"os"
	"sync"
	"time"
)

// Listener is the socket of a host, which reports when no client has connected for a while.
type Listener struct {
	*net.UnixListener
	idle    time.Duration
	name    *name
	release func()

	mu    sync.Mutex
	conns int
	timer *time.Timer // runs while there are no connections; nil: none was asked for yet
	once  sync.Once

	expired func()
}

// Listen waits until no other host serves the folder, and listens there. expired is called when
// there was no connection for as long as idle since Accept was called first: before, requests may
// wait to be accepted. It is also called when someone has taken the socket's name away, so that
// there can be none.
func (f Folder) Listen(idle time.Duration, expired func()) (*Listener, error) {
	release, err := f.lock("host.lock")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Socket()) // of a host that has ended without saying so
	ln, err := net.Listen("unix", f.Socket())
	if err != nil {
		release()
		return nil, err
	}
	return &Listener{
		UnixListener: ln.(*net.UnixListener), idle: idle, name: nameOf(f.Socket(), expired), release: release,
		expired: expired,
	}, nil
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	l.begin()
	conn, err := l.UnixListener.AcceptUnix()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns++
	l.timer.Stop()
	return &countedConn{UnixConn: conn, listener: l}, nil
}

// begin begins to count how long there was no connection.
func (l *Listener) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(l.idle, l.expired)
	}
}

// Close implements [net.Listener]. The socket's name goes first, so that no one connects who is not
// served; a name that has become another host's stays.
func (l *Listener) Close() error {
	l.once.Do(func() {
		l.stop()
		l.name.release()
		l.SetUnlinkOnClose(l.name.ours())
	})
	return l.UnixListener.Close()
}

// stop has expired not called any more, unless it is.
func (l *Listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// Release lets another host serve the folder. It is called when this one has ended.
func (l *Listener) Release() { l.release() }

func (l *Listener) left() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns--; l.conns == 0 {
		l.timer.Reset(l.idle)
	}
}

// countedConn is a connection that counts itself out.
type countedConn struct {
	*net.UnixConn
	listener *Listener
	once     sync.Once
}

// Close implements [net.Conn].
func (c *countedConn) Close() error {
	err := c.UnixConn.Close()
	c.once.Do(c.listener.left)
	return err
}
