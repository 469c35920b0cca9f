package venv

import (
	"cmp"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
)

// buildOOMScore makes the kernel rather kill a build than workers, and those rather than the host,
// when memory runs out.
const buildOOMScore = 600

// leastBuildMemory is the memory in bytes that compilers need on the smallest machine.
const leastBuildMemory = 512 << 20

// limits are those of a program that a build runs. The zero value is none.
type limits struct {
	proc.Limits
	asked bool // the descriptor says so
}

// limits are those of each program that builds the environment of the plan.
func (p *plan) limits() limits {
	asked := p.descriptor.Limits.BuildMemory
	return limits{proc.Limits{Memory: cmp.Or(asked, usualBuildMemory()), OOMScore: buildOOMScore}, asked > 0}
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
