package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// CPUTime returns the processor time that a process has used, or 0 if it has ended.
func CPUTime(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(data, []byte(") ")) // the name before may have spaces
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, see proc_pid_stat(5)
		n, _ := strconv.ParseInt(string(field), 10, 64)
		ticks += n
	}
	const perSecond = 100 // USER_HZ on all architectures that Go has
	return time.Duration(ticks) * (time.Second / perSecond)
}

// ResidentMemory returns the resident memory of a process in bytes, or 0 if it has ended.
func ResidentMemory(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
