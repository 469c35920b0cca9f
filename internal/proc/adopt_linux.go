package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Child is a process that another process has forked for this one.
type Child struct {
	PID    int // leader of its own process group
	Parent int // the pid of the process that forked it and must not let go of it before Reap

	// Reap makes the parent reap the child, which has ended, and returns its status. It reports
	// false if the status is unknown because the parent has ended as well.
	Reap func() (syscall.WaitStatus, bool)
}

// Adopt supervises a process that another process forks, the way [Start] supervises one that it
// starts. It calls fork with the descriptors that the new process must have as 1, 2, 3, …: standard
// output, standard error, the files of the spec, and the lifeline. Of the spec, only Files,
// Credential, Scope, Output and Lifeline matter: the new process inherits the user and the limits
// of the process that forks it.
//
// The process that forks need not be trusted: the process that it names must be its child, and gets
// signals only while it is.
func Adopt(spec Spec, fork func(theirs []*os.File) (Child, error)) (*Process, error) {
	p := newProcess(spec.Scope)
	p.cmd = &exec.Cmd{ExtraFiles: spec.Files[:len(spec.Files):len(spec.Files)]}
	pipes, err := p.connect(spec)
	if err != nil {
		return nil, fmt.Errorf("cannot fork: %w", err)
	}
	child, err := fork(append([]*os.File{p.cmd.Stdout.(*os.File), p.cmd.Stderr.(*os.File)}, p.cmd.ExtraFiles...))
	pipes.closeTheirs()
	if err == nil {
		err = p.take(child)
	}
	if err == nil {
		spec.Scope.starting()(child.PID)
		err = spec.Scope.add(child.PID)
	}
	if err != nil {
		pipes.closeOurs()
		return nil, fmt.Errorf("cannot fork: %w", err)
	}
	p.watch(spec, pipes)
	return p, nil
}

// take checks that the child is a child of the expected parent, and opens its descriptor.
func (p *Process) take(child Child) error {
	fd, err := unix.PidfdOpen(child.PID, 0)
	if err != nil {
		return fmt.Errorf("cannot watch process %d: %w", child.PID, err)
	}
	if parent := Parent(child.PID); parent != child.Parent {
		unix.Close(fd)
		return fmt.Errorf("process %d is a child of %d, not of %d", child.PID, parent, child.Parent)
	}
	// awaitExit closes its descriptor at the end of the process; this one must last longer.
	kept, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("cannot watch process %d: %w", child.PID, err)
	}
	p.pid, p.pidfd, p.adopted = child.PID, fd, &adopted{pidfd: kept, reap: child.Reap}
	return nil
}

// adopted holds the access to a process that is not a child of this one.
type adopted struct {
	pidfd int
	reap  func() (syscall.WaitStatus, bool)
}

// signal sends a signal to the group, unless the group's number may belong to another group by now:
// the leader was reaped, and a process has its ID again.
func (a *adopted) signal(pid int, sig syscall.Signal) {
	if a.held() || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		_ = syscall.Kill(-pid, sig)
	}
}

// held reports whether the leader runs, or has ended and was not reaped.
func (a *adopted) held() bool { return unix.PidfdSendSignal(a.pidfd, 0, nil, 0) == nil }

// reapAdopted is the counterpart of reap for a process that is not a child.
func (p *Process) reapAdopted() {
	p.mu.Lock()
	if p.ownership == released && p.watched != nil { // it belongs to another host, which reaps it
		p.mu.Unlock()
		unix.Close(p.adopted.pidfd)
		return
	}
	sent := p.sent
	p.signal(syscall.SIGKILL)
	p.reaped = true
	p.mu.Unlock()
	status, known := p.adopted.reap()
	unix.Close(p.adopted.pidfd)
	exit := exitOf(status)
	if !known {
		exit.Cause = Unknown
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(exit, sent)
}

// pollAdopted is like pollExit, for a process that is not a child: its descriptor becomes readable
// when it has ended. It also returns when a process that belongs to another host was released.
func (p *Process) pollAdopted() {
	f, ok := pollable(p.pidfd)
	defer f.Close()
	p.mu.Lock()
	if p.ownership == borrowed {
		p.watched = f
	}
	over := p.ownership == released || !ok
	p.mu.Unlock()
	if over {
		return
	}
	pollFile(f, func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}
