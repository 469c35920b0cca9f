package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw/upgrade"
)

// follower keeps the process id by which a supervisor knows the host, across upgrades. systemd is
// told the new process id. Elsewhere the process that was started first stays: after its host has
// drained, it forwards signals to its successors and ends when they end.
type follower struct {
	first *os.File // gets the process ids of successors; nil: nothing follows this process yet
	// descriptor to read them from, if this process is the one that follows; 0: it is not
	successors int

	mu    sync.Mutex
	child int // process id of the successor that this process follows; 0: none
}

// launch describes how to start a successor.
func (f *follower) launch() upgrade.Launch {
	l := upgrade.Launch{Args: os.Args, Env: os.Environ()}
	if isSystemdService() {
		return l
	}
	if f.first == nil {
		var err error
		if f.successors, f.first, err = successorPipe(); err != nil {
			return l // a follower has no followers of its own
		}
	}
	l.Files = []*os.File{f.first}
	l.Env = append(l.Env, fmt.Sprintf("%s=%d", initVariable, upgrade.FirstFile))
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	l.Group = err != nil // a terminal sends its signals to this group
	return l
}

// isSystemdService reports whether a service manager must be told the host's process id.
func isSystemdService() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// replaced notes that a successor serves.
func (f *follower) replaced(pid int) {
	switch {
	case isSystemdService():
	case f.successors > 0:
		f.child = pid
		f.forward()
		// Successors of that one become children of this process when it has ended.
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	case f.first != nil:
		_, _ = fmt.Fprintln(f.first, pid) // if it fails the first process has ended
	}
}

// forward passes signals on to the successor, or its latest one, until this process
// ends. The successor ends this host when it is asked to end itself.
func (f *follower) forward() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	go func() {
		for s := range signals {
			if child := f.latest(); !sharesTerminal(child, s) {
				_ = syscall.Kill(child, s.(syscall.Signal)) // it can only have ended
			}
		}
	}()
}

// latest is the process id of the last successor.
func (f *follower) latest() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.child == 0 {
		return 0
	}
	f.child = latest(f.child, f.successors)
	return f.child
}

// follow returns when the last successor has ended, with its exit code; at once, with code, when
// there is none. Meanwhile it reaps the processes that the hosts have left.
func (f *follower) follow(code int) int {
	if f.latest() == 0 {
		return code
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGCHLD)
	debug.FreeOSMemory() // hardly any is needed from now on
	for {
		if status, ended := reapAll(f.latest()); ended {
			return exitCodeOf(status)
		}
		<-ends
	}
}

// nameProcess names this process for lists of processes. The kernel knows a program that was
// executed by a descriptor, or a link, by the name of that.
func nameProcess() { _ = os.WriteFile("/proc/self/comm", []byte("modgw-host"), 0) }
