package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// initVariable is set in a child that is the actual host, while its parent, the same program, is
// the first process of a container or the process that a supervisor started. Its value is the
// descriptor to which a host writes the process id of its successor.
const initVariable = "MODGW_FIRST_PROCESS"

// forwarded are the signals that the first process passes on.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// beFirstProcess runs this program again as a child, and does the duties of a container's first
// process: it reaps orphaned processes. It returns the exit code. The host itself cannot do that: a
// process that reaps every child takes exit codes from os/exec.
func beFirstProcess() int {
	signals := catchForwarded()
	successors, theirs, err := successorPipe()
	child := 0
	if err == nil {
		child, err = startAgain(theirs)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "modgw-host: cannot start as a child of the first process: %v\n", err)
		return exitFailed
	}
	return follow(signals, child, successors)
}

func catchForwarded() <-chan os.Signal {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append(forwarded, syscall.SIGCHLD)...)
	return signals
}

// successorPipe makes the pipe by which hosts name their successors. Reading does not wait.
func successorPipe() (ours int, theirs *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return -1, nil, err
	}
	return fds[0], os.NewFile(uintptr(fds[1]), "successors"), nil
}

// exitCodeOf returns the exit code of a process as shells report it.
func exitCodeOf(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// follow passes signals on to a host, or to its latest successor, and returns the exit code of the
// last one.
func follow(signals <-chan os.Signal, child, successors int) int {
	for s := range signals {
		child = latest(child, successors)
		if s != syscall.SIGCHLD {
			if !sharesTerminal(child, s) {
				// it can only have ended, which comes next
				_ = syscall.Kill(child, s.(syscall.Signal))
			}
			continue
		}
		if status, ended := reapAll(child); ended {
			return exitCodeOf(status)
		}
	}
	return exitFailed // signals are never closed
}

// latest is the last successor that was named; child when there is none.
func latest(child, successors int) int {
	var b [512]byte
	for {
		n, err := unix.Read(successors, b[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return child
		}
		for text := range strings.FieldsSeq(string(b[:n])) { // each was written at once
			if pid, err := strconv.Atoi(text); err == nil {
				child = pid
			}
		}
	}
}

// sharesTerminal reports whether a signal of a terminal has reached the child already.
func sharesTerminal(child int, s os.Signal) bool {
	if s != syscall.SIGINT && s != syscall.SIGQUIT && s != syscall.SIGWINCH {
		return false
	}
	group, err := syscall.Getpgid(child)
	return err == nil && group == syscall.Getpgrp()
}

// startAgain starts this program with the same arguments and descriptors, in its own process group.
// The group gets the terminal if there is one, so that the keys typed there reach it once.
func startAgain(successors *os.File) (pid int, err error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		attr.Foreground, attr.Ctty = true, 0
	}
	const most = 1 << 10 // of descriptors from a service manager
	passed, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	files := []uintptr{0, 1, 2}
	for fd := range min(passed, most) {
		files = append(files, uintptr(3+fd))
	}
	variable := fmt.Sprintf("%s=%d", initVariable, len(files))
	return syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Env: append(os.Environ(), variable), Files: append(files, successors.Fd()), Sys: attr,
	})
}

// reapAll reaps all processes that have ended, and reports whether the child is among them, and how
// it ended.
func reapAll(child int) (ended syscall.WaitStatus, found bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid <= 0:
			return ended, found
		case pid == child:
			ended, found = status, true
		}
	}
}

// takeFirstProcess lets the child of the first process take the passed sockets, which name the
// first process. It returns where this process names its successors; nil when nothing follows it.
func takeFirstProcess() *os.File {
	fd, err := strconv.Atoi(os.Getenv(initVariable))
	_ = os.Unsetenv(initVariable)
	if err != nil || fd < 3 {
		return nil
	}
	unix.CloseOnExec(fd)
	if strings.TrimSpace(os.Getenv("LISTEN_PID")) == strconv.Itoa(os.Getppid()) {
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	return os.NewFile(uintptr(fd), "successors")
}
