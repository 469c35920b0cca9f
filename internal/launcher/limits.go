package launcher

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits are limits for a process and the children that it starts later. A zero field changes
// nothing. See [Orders].
type Limits struct {
	Files     int // open files of each process
	Processes int // processes and threads of the user, who must not be root

	// Memory is the number of bytes of private writable memory of each process (RLIMIT_DATA).
	// Further allocations fail.
	Memory int64

	// Stack is the number of bytes of stack of each thread (RLIMIT_STACK).
	Stack int64

	// Umask is the file mode mask in octal. Empty changes nothing.
	Umask string

	// Nice is added to the nice value, see nice(2). A negative value requires CAP_SYS_NICE.
	Nice int

	// Groups are files of control groups (cgroup.procs) into which the process writes itself. The
	// files of Scope are added.
	Groups []string

	// OOMScore, from 1 to 1000, makes the kernel prefer to kill this process when memory runs out;
	// see oom_score_adj in proc_pid_oom_score_adj(5).
	OOMScore int
}

// Bounded reports whether there is a limit that a process has to set itself.
func (l Limits) Bounded() bool {
	return l.Files > 0 || l.Processes > 0 || l.Memory > 0 || l.Stack > 0 || l.Umask != "" || l.Nice != 0 || len(l.Groups) > 0
}

// set sets the limits of this process, soft and hard. The memory limit comes last, because this
// process itself still needs memory.
func (l Limits) set() *LimitError {
	for _, limit := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"files", unix.RLIMIT_NOFILE, uint64(l.Files)},
		{"processes", unix.RLIMIT_NPROC, uint64(l.Processes)},
		{"stack", unix.RLIMIT_STACK, uint64(l.Stack)},
		{"memory", unix.RLIMIT_DATA, uint64(l.Memory)},
	} {
		if limit.value == 0 {
			continue
		}
		err := syscall.Setrlimit(limit.resource, &syscall.Rlimit{Cur: limit.value, Max: limit.value})
		if err != nil {
			var now syscall.Rlimit
			_ = syscall.Getrlimit(limit.resource, &now) // for the message only
			return &LimitError{Name: limit.name, Value: limit.value, Hard: now.Max, Err: err}
		}
	}
	return nil
}

// join writes this process into its control groups.
func (l Limits) join() error {
	for _, file := range l.Groups {
		if err := os.WriteFile(file, []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// applyMask sets the file mode mask of this process.
func (l Limits) applyMask() error {
	if l.Umask == "" {
		return nil
	}
	mask, err := strconv.ParseUint(l.Umask, 8, 9)
	if err != nil {
		return err
	}
	syscall.Umask(int(mask))
	return nil
}

// applyNice changes the priority of this process.
func (l Limits) applyNice() error {
	if l.Nice == 0 {
		return nil
	}
	counted, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	const least = 20 // the system call returns no negative numbers, so it counts down from here
	return unix.Setpriority(unix.PRIO_PROCESS, 0, least-counted+l.Nice)
}

// LimitError reports a limit that could not be set.
type LimitError struct {
	Name  string // "files", "processes", "stack" or "memory"
	Value uint64 // limit that could not be set
	Hard  uint64 // maximum that the new process may have
	Err   error  `json:"-"` // reason; nil: another process reported it
}

// Error returns a message that names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("cannot set the limit of %s to %d, for that of this process is %d: %v", e.Name, e.Value, e.Hard, e.Err)
}

// Unwrap returns the kernel's error.
func (e *LimitError) Unwrap() error { return e.Err }
