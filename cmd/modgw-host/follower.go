package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw/upgrade"
)

// follower keeps the process id by which a supervisor knows the host when that is upgraded. Without
// systemd, which is told the new one, the process that was started first stays: when its host has
// drained it becomes a process that only passes signals on to its successors and ends as they do.
type follower struct {
	first *os.File // gets the process ids of successors; nil: nothing follows this process yet
	// descriptor to read them from, if this process is the one that follows; 0: it is not
	successors int

	mu    sync.Mutex
	child int // process id of the successor that this process follows; 0: none
}

// launch says how a successor is started.
func (f *follower) launch() upgrade.Launch {
	l := upgrade.Launch{Args: os.Args, Env: os.Environ()}
	if isSystemdService() {
		return l
	}
	if f.first == nil {
		var err error
		if f.successors, f.first, err = successorPipe(); err != nil {
			return l // what follows cannot follow further ones
		}
	}
	l.Files = []*os.File{f.first}
	l.Env = append(l.Env, fmt.Sprintf("%s=%d", initVariable, upgrade.FirstFile))
	_, err := unix.IoctlGetTermios(0, unix.TCGETS)
	l.Group = err != nil // a terminal sends its signals to this group
	return l
}

// isSystemdService reports whether a service manager wants to be told which process is the host.
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

// forward passes signals on to the successor, or its latest one, until this process becomes
// another. The successor ends this host when it is asked to end itself.
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
	f.child = latest(f.child, f.successors)
	return f.child
}

// becomeFollower replaces this program, whose host has ended, by one that only follows. It returns
// when there is nothing to follow.
func (f *follower) becomeFollower() {
	if f.child == 0 {
		return
	}
	// the program that begins must not be ended by one before it is ready
	_, _ = unix.FcntlInt(uintptr(f.successors), unix.F_SETFD, 0) // it is inherited
	runtime.LockOSThread()
	blockForwarded() // a signal that comes before the other program is ready waits for it
	variable := fmt.Sprintf("%s=%d,%d", followVariable, f.latest(), f.successors)
	_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), variable))
}

// blockForwarded makes the signals that are passed on wait, on this thread and in the program that it
// becomes, until they are asked for there. Other threads still take them.
func blockForwarded() {
	var set unix.Sigset_t
	for _, s := range append(forwarded, syscall.SIGCHLD) {
		bit := uint(s.(syscall.Signal)) - 1
		size := uint(unsafe.Sizeof(set.Val[0])) * 8
		set.Val[bit/size] |= 1 << (bit % size)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil) // the arguments are right
}

// nameProcess names this process for lists of processes. The kernel knows a program that was
// executed by a descriptor, or a link, by the name of that.
func nameProcess() { _ = os.WriteFile("/proc/self/comm", []byte("modgw-host"), 0) }

// followed returns what this process is to follow, if it is one that only follows.
func followed() (child, successors int, ok bool) {
	pid, fd, ok := strings.Cut(os.Getenv(followVariable), ",")
	if !ok {
		return 0, 0, false
	}
	child, err := strconv.Atoi(pid)
	if err != nil {
		return 0, 0, false
	}
	successors, err = strconv.Atoi(fd)
	return child, successors, err == nil
}
