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

// initVariable tells the program that the first process of its container, which is this program
// too, has started it.
const initVariable = "MODGW_FIRST_PROCESS"

// forwarded are the signals that the first process passes on.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// beFirstProcess runs this program once more, as a child, and does for it what the first process of
// a container must do: it reaps the processes that have lost their parents. It returns the exit
// code. The host itself cannot do that: a process that reaps every child takes exit codes
// from os/exec.
func beFirstProcess() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append(forwarded, syscall.SIGCHLD)...)
	child, err := startAgain()
	if err != nil {
		fmt.Fprintf(os.Stderr, "modgw-host: cannot start as a child of the first process: %v\n", err)
		return exitFailed
	}
	for s := range signals {
		if s != syscall.SIGCHLD {
			_ = syscall.Kill(child, s.(syscall.Signal)) // it can only have ended, which comes next
			continue
		}
		if status, ended := reapAll(child); ended {
			if status.Signaled() {
				return 128 + int(status.Signal()) // as shells say it
			}
			return status.ExitStatus()
		}
	}
	return exitFailed // signals are never closed
}

// startAgain starts this program with the same arguments and descriptors, in its own process group.
// The group gets the terminal if there is one, so that the keys typed there reach it once.
func startAgain() (pid int, err error) {
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
	return syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Env: append(os.Environ(), initVariable+"=1"), Files: files, Sys: attr,
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

// followFirstProcess lets the child of the first process take the passed sockets, which name the
// first process.
func followFirstProcess() {
	if os.Getenv(initVariable) == "" {
		return
	}
	_ = os.Unsetenv(initVariable)
	if strings.TrimSpace(os.Getenv("LISTEN_PID")) == strconv.Itoa(os.Getppid()) {
		_ = os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
}
