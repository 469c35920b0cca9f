package proc

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the process has ended, and leaves it to be reaped. It waits in the
// runtime's poller, so that a thousand processes do not need a thousand threads.
func (p *Process) awaitExit() {
	if p.adopted != nil {
		p.pollAdopted()
		return
	}
	if p.pidfd < 0 || !pollExit(p.pidfd) {
		blockUntilExit(p.pid)
	}
}

// pollExit reports whether it could wait for the exit by the descriptor, which it closes.
func pollExit(pidfd int) bool {
	ended := false
	waited := pollUntil(pidfd, func(fd uintptr) bool {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		ended = err == nil && info.Signo != 0
		return ended || err != nil && err != unix.EINTR
	})
	return waited && ended
}

// pollUntil calls ready when the descriptor may have changed, until ready returns true. It then
// closes the descriptor. It reports whether it could poll.
func pollUntil(pidfd int, ready func(fd uintptr) bool) bool {
	f, ok := pollable(pidfd)
	defer f.Close()
	return ok && pollFile(f, ready)
}

// pollable makes a file of a descriptor, and reports whether the runtime's poller can wait for it.
func pollable(fd int) (f *os.File, ok bool) {
	err := syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "pidfd"), err == nil
}

// pollFile is like pollUntil, for a file, and ends when the file is closed.
func pollFile(f *os.File, ready func(fd uintptr) bool) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	return conn.Read(ready) == nil
}

func blockUntilExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
