package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exit describes how a process ended.
type Exit struct {
	Code   int            // exit code; 0 when a signal ended it
	Signal syscall.Signal // signal that ended it; 0: it exited
	Core   bool           // it left a core dump
	Cause  Cause          // kind of its end
	Peak   int64          // most memory that its app has used, in bytes; 0: unknown
}

// Cause is the cause of the end of a process.
type Cause uint8

const (
	// ByItself means an exit, a crash, or a signal from elsewhere.
	ByItself Cause = iota

	// Asked means the signal that this process sent last, but not by [Process.Kill].
	Asked

	// Killed means [Process.Kill].
	Killed

	// OutOfMemory means the kernel: it killed a process for lack of memory meanwhile, probably this
	// one.
	OutOfMemory

	// Unknown means that Code and Signal are also unknown: the process that had started it ended
	// first, and the kernel does not report them.
	Unknown

	// Left means that the process continues and belongs to another host.
	Left
)

// String explains the exit: "exited with code 3", "killed by signal 11 (SIGSEGV), core dumped".
func (e Exit) String() string {
	switch e.Cause {
	case Unknown:
		return "ended, and so had what had started it, which alone could tell how"
	case Left:
		return "left to another host"
	}
	if e.Signal == 0 {
		return fmt.Sprintf("exited with code %d", e.Code)
	}
	text := fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), unix.SignalName(e.Signal))
	if e.Core {
		text += ", core dumped"
	}
	if e.Cause == OutOfMemory {
		text += ", out of memory"
		if e.Peak > 0 {
			text += fmt.Sprintf(": the processes of the app had up to %.1f MiB", float64(e.Peak)/(1<<20))
		}
	}
	return text
}

// Crashed reports whether the process was ended by a signal that the kernel or the process itself
// sends because of the process's own fault, such as SIGSEGV after a wild pointer, or SIGKILL for
// lack of memory.
func (e Exit) Crashed() bool {
	if e.Cause == OutOfMemory {
		return true
	}
	switch e.Signal {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE:
		return e.Cause != Asked
	}
	return false
}

func exitOf(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Signal: status.Signal(), Core: status.CoreDump()}
	}
	return Exit{Code: status.ExitStatus()}
}

// oomKills returns the number of processes that the kernel has killed for lack of memory since it
// booted, or 0 if it does not report the number.
func oomKills() uint64 {
	data, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if value, ok := bytes.CutPrefix(lines.Bytes(), []byte("oom_kill ")); ok {
			n, _ := strconv.ParseUint(string(value), 10, 64)
			return n
		}
	}
	return 0
}
