package attach

import (
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// Process is the process of an attached worker. The host must not end it: all it can do is cut its
// connections.
type Process struct {
	pid  int
	cut  []func()      // cut its connections
	done chan struct{} // closes when the connections are cut
	once sync.Once
}

var _ workers.Process = (*Process)(nil)

// NewProcess makes the process that has connected. pid 0: its id is not known.
func NewProcess(pid int, conn *net.UnixConn) *Process {
	cut := func() {
		// They fail only on a closed connection, which is fine.
		_ = conn.CloseRead()
		_ = conn.CloseWrite()
	}
	return &Process{pid: pid, cut: []func(){cut}, done: make(chan struct{})}
}

// OnKill has Kill call cut, which cuts further connections. It comes before Kill can be called.
func (p *Process) OnKill(cut func()) { p.cut = append(p.cut, cut) }

// PID implements [workers.Process]. It is 0 for a process that the host cannot see.
func (p *Process) PID() int { return p.pid }

// Done implements [workers.Process].
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit implements [workers.Process]. The host does not learn how the process ends.
func (p *Process) Exit() proc.Exit { return proc.Exit{} }

// Ending implements [workers.Process]. The host does not learn it.
func (p *Process) Ending() bool { return false }

// Kill implements [workers.Process]. A reader of one of the connections sees its end.
func (p *Process) Kill() {
	p.once.Do(func() {
		for _, cut := range p.cut {
			cut()
		}
		close(p.done)
	})
}

// Signal implements [workers.Process]: it does nothing.
func (p *Process) Signal(syscall.Signal) {}

// SignalLeader implements [workers.Process]: it does nothing.
func (p *Process) SignalLeader(syscall.Signal) {}

// Yield implements [workers.Process]: it does nothing.
func (p *Process) Yield() {}

// Resume implements [workers.Process]: it does nothing.
func (p *Process) Resume() {}

// peerPID returns the id of the process that has connected; 0: it is not known.
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
