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

// Limits returns the limits of each of an app's processes in a scope. A single process may not have
// more memory than all together: it then gets an error, before the kernel would kill it. The number
// of processes is counted for the user, so it is used only if that of the app cannot be limited.
func Limits(d modgw.Descriptor, scope *proc.Scope) proc.Limits {
	l := proc.Limits{
		Files: d.Limits.Files, Memory: d.Limits.Memory, Stack: d.Limits.Stack, OOMScore: oomScore,
		Umask: d.Umask, Nice: d.Nice,
	}
	if scope.Version(cgroup.Processes) == 0 {
		l.Processes = d.Limits.Processes
	}
	return l
}
