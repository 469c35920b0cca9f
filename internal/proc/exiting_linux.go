package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// pfExiting is the flag of a process that has begun to end, which it gets before its descriptors
// are closed (proc_pid_stat(5) and PF_EXITING in the kernel's sched.h).
const pfExiting = 0x4

// isExiting reports whether a process has begun to end, or is not there any more.
func isExiting(pid int) bool {
	state, fields := statOf(pid)
	const flags = 5 // of the fields after the state: ppid, pgrp, session, tty, tpgid, flags
	if state == "" || state == "Z" || state == "X" || len(fields) <= flags {
		return true
	}
	set, err := strconv.ParseUint(fields[flags], 10, 64)
	return err == nil && set&pfExiting != 0
}

// isEnding reports whether a process has begun to end, will at once because it was killed, or is
// not there any more.
func isEnding(pid int) bool {
	if isExiting(pid) {
		return true
	}
	_, fields := statOf(pid)
	const pending, kill = 27, 1 << (syscall.SIGKILL - 1) // field with the signals that wait for it
	if len(fields) <= pending {
		return true
	}
	set, err := strconv.ParseUint(fields[pending], 10, 64)
	return err == nil && set&kill != 0
}

// Parent returns the PID of the parent of a process, or 0 if there is no such process.
func Parent(pid int) int {
	_, fields := statOf(pid)
	if len(fields) == 0 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[0])
	return parent
}

// statOf returns the state of a process and the fields of /proc/PID/stat after it; "" when there is
// no such process.
func statOf(pid int) (state string, fields []string) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", nil
	}
	// The name in parentheses may have anything in it.
	words := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(words) == 0 {
		return "", nil
	}
	for _, word := range words[1:] {
		fields = append(fields, string(word))
	}
	return string(words[0]), fields
}
