package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processorTime returns the processor time that the host and its processes have used, including
// processes that have ended.
func (h host) processorTime() time.Duration {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, stat := range stats {
		if fields := statFields(stat); fields != nil {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			parents[pid], _ = strconv.Atoi(string(fields[1]))
		}
	}
	var sum time.Duration
	for pid := range parents {
		if descends(pid, h.PID, parents) {
			sum += running(pid) + ended(pid)
		}
	}
	return sum
}

// descends reports whether a process is the ancestor or one of its descendants.
func descends(pid, ancestor int, parents map[int]int) bool {
	for ; pid > 1; pid = parents[pid] {
		if pid == ancestor {
			return true
		}
	}
	return false
}

// running returns the processor time of a process by its clock, see clock_getcpuclockid(3).
func running(pid int) time.Duration {
	const scheduled = 2 // CPUCLOCK_SCHED
	var used unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|scheduled), &used) != nil {
		return 0 // it has ended
	}
	return time.Duration(used.Nano())
}

// ended returns the processor time of the children of a process that it has waited for.
func ended(pid int) time.Duration {
	const perSecond = 100 // USER_HZ on all architectures that Go has
	fields := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if fields == nil {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[13]))
	system, _ := strconv.Atoi(string(fields[14]))
	return time.Duration(user+system) * (time.Second / perSecond)
}

// statFields returns the fields after the name in a file of proc_pid_stat(5), or nil if the process
// has ended.
func statFields(file string) [][]byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	_, rest, _ := bytes.Cut(text, []byte(") "))
	if fields := bytes.Fields(rest); len(fields) > 14 {
		return fields
	}
	return nil
}
