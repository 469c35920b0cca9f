package proc

import "golang.org/x/sys/unix"

// yielding is the amount by which the nice value (nice(1)) of a process rises while it yields: it
// then gets about a tenth of a processor that others want, and all of an idle one.
const yielding = 10

// Yield leaves the processors to others until Resume, in all threads that the process has from now
// on and in its children. It has no effect if this process could not undo it: any process may lower
// a priority, but not every process may raise it again.
func (p *Process) Yield() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.yields || p.ownership != owned || !p.held() {
		return
	}
	usual, err := nice(p.pid)
	if err != nil || usual+yielding > mostNice || !mayRaise(p.pid, usual) {
		return
	}
	p.usual = usual
	p.yields = unix.Setpriority(unix.PRIO_PROCESS, p.pid, usual+yielding) == nil
}

// Resume ends the effect of Yield for the whole group. A process that has changed its own priority
// meanwhile keeps it.
func (p *Process) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.yields || !p.held() {
		return
	}
	p.yields = false
	if now, err := nice(p.pid); err == nil && now == p.usual+yielding {
		// The kernel sets all threads of all processes of a group. If it fails, they are slower,
		// and there is no other effect.
		_ = unix.Setpriority(unix.PRIO_PGRP, p.pid, p.usual)
	}
}

// held reports whether the process's id is still its own.
func (p *Process) held() bool { return !p.reaped && (p.adopted == nil || p.adopted.held()) }

const mostNice = 19

// nice returns the nice value of a process, from -20, the highest priority, to 19, the lowest.
func nice(pid int) (int, error) {
	const inverse = 20 // the system call returns no negative numbers, so it counts down from here
	priority, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
	return inverse - priority, err
}

// mayRaise reports whether this process may make another one as little nice as that
// (setpriority(2), getrlimit(2)).
func mayRaise(pid, nice int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if unix.Capget(&header, &sets[0]) == nil && sets[0].Effective&(1<<unix.CAP_SYS_NICE) != 0 {
		return true
	}
	const ceiling = 20 // a limit of 20 lets nice be 0
	var limit unix.Rlimit
	return unix.Prlimit(pid, unix.RLIMIT_NICE, nil, &limit) == nil && ceiling-nice <= int(min(limit.Cur, 2*ceiling))
}
