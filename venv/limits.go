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

// leastBuildProcesses is how many processes and threads a build may have, whatever the app may:
// compilers and npm have some for each processor.
const leastBuildProcesses = 512

// limits are those of a program that a build runs. The zero value is none.
type limits struct {
	proc.Limits
	group string        // name of what bounds programs together; "": nothing does
	all   cgroup.Limits // limits of these programs together, where control groups can be had
}

// limits are those of each program that builds the environment of the plan.
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

// askedLimits are those of programs that only say something of themselves, of an account.
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
