package workers

import (
	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Environ is the environment of an app's processes.
func Environ(c modgw.RunnerConfig, user *account.Account) []string {
	return c.Descriptor.ProcessEnv(c.Environment, user.HomeDir())
}

// Limits are those of each of an app's processes in a scope. A process alone may not have more
// memory than all together: it is told so by an error then, where the kernel would end it. The
// number of processes is the user's, and counts only where that of the app cannot be bounded.
func Limits(d modgw.Descriptor, scope *proc.Scope) proc.Limits {
	l := proc.Limits{
		Files: d.Limits.Files, Memory: d.Limits.Memory, Stack: d.Limits.Stack, OOMScore: OOMScore,
		Umask: d.Umask, Nice: d.Nice,
	}
	if scope.Version(cgroup.Processes) == 0 {
		l.Processes = d.Limits.Processes
	}
	return l
}
