package venv

import (
	"cmp"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/proc"
)

// buildOOMScore makes the kernel rather kill a build than workers, and those rather than the host,
// when memory runs out.
const buildOOMScore = 600

// leastBuildMemory is the memory in bytes that compilers need on the smallest machine.
const leastBuildMemory = 512 << 20

// leastBuildProcesses is the number of processes and threads that a build may have, regardless of
// the app's limit: compilers and npm have some for each processor.
const leastBuildProcesses = 512

// limits are the limits of a program in a build. The zero value means none.
type limits struct {
	proc.Limits
	group string        // name of the group that limits programs together; "": none
	all   cgroup.Limits // limits of these programs together, where control groups can be had
}

// limits returns the limits of each program that builds the environment of the plan.
func (p *plan) limits() limits {
	l := p.descriptor.Limits
	all := cgroup.Limits{CPUWeight: l.CPUWeight, IOWeight: l.IOWeight}
	if l.Processes > 0 {
		all.Processes = max(l.Processes, leastBuildProcesses)
	}
	return limits{
		Limits: proc.Limits{Memory: cmp.Or(l.BuildMemory, usualBuildMemory()), OOMScore: buildOOMScore},
		group:  "build:" + string(p.descriptor.Name), all: all,
	}
}

// askedLimits returns the limits of an account's programs that only report something.
func askedLimits(acct *account.Account) limits {
	const mostProcesses = 128
	return limits{group: fmt.Sprintf("asked:%d", uidOf(acct)), all: cgroup.Limits{Processes: mostProcesses}}
}

// usualBuildMemory is three quarters of the machine's memory, or less where this process may not
// have as much; 0 when it is not known how much there is.
func usualBuildMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	usual := max(leastBuildMemory, int64(info.Totalram)*int64(info.Unit)/4*3)
	var own unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_DATA, &own) == nil && own.Max < uint64(usual) {
		return int64(own.Max)
	}
	return usual
}
