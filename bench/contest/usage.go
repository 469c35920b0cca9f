package contest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Role is the part that a process plays in a contestant.
type Role string

const (
	ApacheRole Role = "apache" // the front, with mod_wsgi embedded the app as well
	HostRole   Role = "host"   // modgw-host
	WorkerRole Role = "worker" // runs the app; for other servers, all processes
)

// Roles lists all roles in the order in which a request reaches them.
var Roles = []Role{ApacheRole, HostRole, WorkerRole}

// CPU returns the CPU time that the processes of each role have used.
func (r *Running) CPU() map[Role]time.Duration {
	used := map[Role]time.Duration{}
	for _, p := range r.processes() {
		used[p.role()] += p.cpu
	}
	return used
}

// Executed returns the time for which the threads of all processes have been executed, as counted
// by the scheduler: in nanoseconds, whereas [Running.CPU] counts ticks. Threads that have ended are
// left out, so that differences are valid only while no thread ends.
func (r *Running) Executed() (sum time.Duration) {
	for _, p := range r.processes() {
		sum += p.executed()
	}
	return sum
}

func (p process) executed() (sum time.Duration) {
	// the pattern is right
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.pid))
	for _, file := range threads {
		text, _ := os.ReadFile(file) // the thread may have ended
		first, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(first, 10, 64) // the kernel writes a number
		sum += time.Duration(n)
	}
	return sum
}

// Memory returns the memory of the processes of each role, in bytes. Shared memory is divided among
// the processes that share it.
func (r *Running) Memory() map[Role]int64 {
	used := map[Role]int64{}
	for _, p := range r.processes() {
		used[p.role()] += p.memory()
	}
	return used
}

// processes returns all processes of the contestant.
func (r *Running) processes() (all []process) {
	for _, p := range r.started {
		all = append(all, tree(p.pid)...)
	}
	return all
}

// Wakeups returns how often the threads of modgw-host have been scheduled since they started.
func (r *Running) Wakeups() (n int) {
	for _, p := range r.processes() {
		if p.role() == HostRole {
			n += p.wakeups()
		}
	}
	return n
}

func (p process) wakeups() (n int) {
	// the pattern is right
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.pid))
	for _, file := range threads {
		text, _ := os.ReadFile(file) // the thread may have ended
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.HasSuffix(name, "voluntary_ctxt_switches") {
				times, _ := strconv.Atoi(strings.TrimSpace(value)) // the kernel writes a number
				n += times
			}
		}
	}
	return n
}
