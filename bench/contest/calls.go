package contest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Calls holds the system calls that the processes of each role made in a period.
type Calls struct {
	From, To time.Duration           // by CLOCK_MONOTONIC
	Made     map[Role]map[string]int // number of system calls by role and name
}

// CountCalls counts the system calls of the contestant for a while, with perf(1), which requires
// root's rights and slows down the processes.
func (r *Running) CountCalls(ctx context.Context, d time.Duration) (Calls, error) {
	roles := map[int]Role{}
	for _, p := range r.processes() {
		roles[p.pid] = p.role()
	}
	// outside of the folder that modgw watches, where each write would wake it
	folder, err := os.MkdirTemp("", "calls")
	if err != nil {
		return Calls{}, err
	}
	defer os.RemoveAll(folder)
	data := filepath.Join(folder, "perf.data")
	record := exec.CommandContext(ctx, "perf", "record", "--quiet", "--all-cpus", "--clockid", "CLOCK_MONOTONIC",
		"--event", "raw_syscalls:sys_enter", "--output", data,
		"--", "sleep", fmt.Sprint(d.Seconds()))
	if out, err := record.CombinedOutput(); err != nil {
		return Calls{}, fmt.Errorf("cannot count system calls with perf: %w: %s", err, bytes.TrimSpace(out))
	}
	script, err := exec.CommandContext(ctx, "perf", "script", "--input", data, "--fields", "pid,time,trace").Output()
	if err != nil {
		return Calls{}, fmt.Errorf("cannot read what perf has counted: %w", err)
	}
	return countCalls(script, roles)
}

// countCalls reads lines like " 4711  1234.567890: NR 0 (3, …)".
func countCalls(script []byte, roles map[int]Role) (Calls, error) {
	calls := Calls{Made: map[Role]map[string]int{}}
	for lines := bufio.NewScanner(bytes.NewReader(script)); lines.Scan(); {
		var (
			pid, number int
			at          float64
		)
		if _, err := fmt.Sscanf(lines.Text(), "%d %f: NR %d", &pid, &at, &number); err != nil {
			continue // perf's own remarks
		}
		calls.To = time.Duration(at * float64(time.Second))
		if calls.From == 0 {
			calls.From = calls.To
		}
		if role, ours := roles[pid]; ours {
			if calls.Made[role] == nil {
				calls.Made[role] = map[string]int{}
			}
			calls.Made[role][callName(number)]++
		}
	}
	if calls.To == calls.From {
		return calls, errors.New("perf has counted nothing")
	}
	return calls, nil
}

func callName(number int) string {
	if name := callNames[number]; name != "" {
		return name
	}
	if runtime.GOARCH == "amd64" { // other architectures do not have these
		switch number {
		case 7:
			return "poll"
		case 232:
			return "epoll_wait"
		case 262:
			return "newfstatat"
		}
	}
	return fmt.Sprintf("number %d", number)
}

var callNames = map[int]string{
	unix.SYS_READ: "read", unix.SYS_WRITE: "write", unix.SYS_READV: "readv", unix.SYS_WRITEV: "writev",
	unix.SYS_RECVFROM: "recvfrom", unix.SYS_SENDTO: "sendto", unix.SYS_RECVMSG: "recvmsg", unix.SYS_SENDMSG: "sendmsg",
	unix.SYS_SENDFILE: "sendfile", unix.SYS_EPOLL_PWAIT: "epoll_pwait", unix.SYS_EPOLL_CTL: "epoll_ctl", unix.SYS_PPOLL: "ppoll",
	unix.SYS_FUTEX: "futex", unix.SYS_NANOSLEEP: "nanosleep", unix.SYS_SCHED_YIELD: "sched_yield", unix.SYS_ACCEPT4: "accept4",
	unix.SYS_ACCEPT: "accept", unix.SYS_CONNECT: "connect", unix.SYS_SOCKET: "socket", unix.SYS_SHUTDOWN: "shutdown", unix.SYS_CLOSE: "close",
	unix.SYS_FCNTL: "fcntl", unix.SYS_SETSOCKOPT: "setsockopt", unix.SYS_GETSOCKOPT: "getsockopt", unix.SYS_IOCTL: "ioctl",
	unix.SYS_MMAP: "mmap", unix.SYS_MUNMAP: "munmap", unix.SYS_MADVISE: "madvise", unix.SYS_TGKILL: "tgkill", unix.SYS_GETTID: "gettid",
	unix.SYS_TIMES: "times", unix.SYS_CLOCK_NANOSLEEP: "clock_nanosleep", unix.SYS_GETSOCKNAME: "getsockname",
	unix.SYS_GETPID: "getpid", unix.SYS_GETRUSAGE: "getrusage", unix.SYS_BIND: "bind", unix.SYS_GETPEERNAME: "getpeername",
	unix.SYS_EPOLL_CREATE1: "epoll_create1",
	unix.SYS_OPENAT:        "openat", unix.SYS_FSTAT: "fstat", unix.SYS_RT_SIGRETURN: "rt_sigreturn",
}
