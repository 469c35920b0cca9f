package venv

import (
	"cmp"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
)

// buildOOMScore makes the kernel rather kill a build than workers, and those rather than the host, when memory runs out.
const buildOOMScore = 600

// leastBuildMemory is what compilers need on the smallest machine.
const leastBuildMemory = 512 << 20

// limits are those of each program that a build runs.
func (p *plan) limits() proc.Limits {
	return proc.Limits{Memory: cmp.Or(p.descriptor.Limits.BuildMemory, usualBuildMemory()), OOMScore: buildOOMScore}
}

// usualBuildMemory is three quarters of the machine's memory; 0 when nobody knows how much that is.
func usualBuildMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return max(leastBuildMemory, int64(info.Totalram)*int64(info.Unit)/4*3)
}
