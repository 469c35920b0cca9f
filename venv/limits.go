package venv

import (
	"cmp"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
)

// buildOOMScore makes the kernel rather kill a build than workers, and those rather than the host, when memory runs out.
const buildOOMScore = 600

// leastBuildMemory is what compilers need on the smallest machine.
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

// apply sets the limits of a process that runs. Where root may not limit the processes of others, as in some containers,
// only a limit that somebody asked for is an error.
func (l limits) apply(pid int) error {
	err := l.Apply(pid)
	if errors.Is(err, unix.EPERM) && !l.asked {
		return nil
	}
	return err
}

// usualBuildMemory is three quarters of the machine's memory; 0 when nobody knows how much that is.
func usualBuildMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return max(leastBuildMemory, int64(info.Totalram)*int64(info.Unit)/4*3)
}
