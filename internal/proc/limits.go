package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Limits bound what a process and its later children may use; zero values change nothing. They are set from outside right
// after the start, so a program must not have done anything worth limiting until then.
type Limits struct {
	Files     int   // open files of each process
	Processes int   // of the user, who must not be root
	Memory    int64 // bytes of private writable memory of each process (RLIMIT_DATA): asking for more fails

	// OOMScore from 1 to 1000 makes the kernel rather kill this process than others when memory runs out; see
	// oom_score_adj in proc_pid_oom_score_adj(5).
	OOMScore int
}

// Apply sets the limits of a process that runs.
func (l Limits) Apply(pid int) error {
	if l.OOMScore > 0 {
		// Where it is not allowed, as in some containers, the kernel chooses without it.
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), strconv.AppendInt(nil, int64(l.OOMScore), 10), 0)
	}
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
		err := unix.Prlimit(pid, limit.resource, &unix.Rlimit{Cur: limit.value, Max: limit.value}, nil)
		if err != nil && err != unix.ESRCH { // a process that has ended already says so by itself
			return fmt.Errorf("cannot set %s to %d: %w", limit.name, limit.value, err)
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
