package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits bound what a process and its later children may use; zero values change nothing. See [Launch].
type Limits struct {
	Files     int   // open files of each process
	Processes int   // of the user, who must not be root; threads count
	Memory    int64 // bytes of private writable memory of each process (RLIMIT_DATA): asking for more fails

	// OOMScore from 1 to 1000 makes the kernel rather kill this process than others when memory runs out; see
	// oom_score_adj in proc_pid_oom_score_adj(5).
	OOMScore int
}

// bounded reports whether there is a limit that a process has to set itself.
func (l Limits) bounded() bool { return l.Files > 0 || l.Processes > 0 || l.Memory > 0 }

// set sets the limits of this process, soft and hard. That of memory comes last, for this process needs some.
func (l Limits) set() *LimitError {
	for _, limit := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"files", unix.RLIMIT_NOFILE, uint64(l.Files)},
		{"processes", unix.RLIMIT_NPROC, uint64(l.Processes)},
		{"memory", unix.RLIMIT_DATA, uint64(l.Memory)},
	} {
		if limit.value == 0 {
			continue
		}
		err := syscall.Setrlimit(limit.resource, &syscall.Rlimit{Cur: limit.value, Max: limit.value})
		if err != nil {
			var now syscall.Rlimit
			_ = syscall.Getrlimit(limit.resource, &now) // it only says more
			return &LimitError{Name: limit.name, Value: limit.value, Hard: now.Max, Err: err}
		}
	}
	return nil
}

// ResidentMemory is how many bytes of memory a process has; 0 when it has ended.
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
