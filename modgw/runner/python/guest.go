package python

import (
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
)

// guest is the process of an attached worker: a debugger's, an IDE's, a test's. It is not the host's to end, so that
// ending it means no more than to cut its connections.
type guest struct {
	pid   int
	conns []*net.UnixConn
	done  chan struct{}
	once  sync.Once
}

// PID implements [workers.Process]. It is 0 for a process that this one cannot see.
func (g *guest) PID() int { return g.pid }

// Done implements [workers.Process].
func (g *guest) Done() <-chan struct{} { return g.done }

// Exit implements [workers.Process]. Nobody tells the host how the process ends, if it does.
func (g *guest) Exit() proc.Exit { return proc.Exit{} }

// Ending implements [workers.Process]. Nobody tells the host.
func (g *guest) Ending() bool { return false }

// Kill implements [workers.Process]. Whoever reads one of the connections sees its end.
func (g *guest) Kill() {
	g.once.Do(func() {
		for _, conn := range g.conns {
			// They fail only on connections that are closed, which is what is wanted.
			_ = conn.CloseRead()
			_ = conn.CloseWrite()
		}
		close(g.done)
	})
}

// Signal implements [workers.Process]: it does nothing.
func (g *guest) Signal(syscall.Signal) {}

// SignalLeader implements [workers.Process]: it does nothing.
func (g *guest) SignalLeader(syscall.Signal) {}

// Yield implements [workers.Process]: it does nothing.
func (g *guest) Yield() {}

// Resume implements [workers.Process]: it does nothing.
func (g *guest) Resume() {}

// peerPID is the id of the process that has connected.
func peerPID(conn *net.UnixConn) int {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	// Without an answer the pid stays unknown, and only status misses it.
	_ = raw.Control(func(fd uintptr) {
		if peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(peer.Pid)
		}
	})
	return pid
}
