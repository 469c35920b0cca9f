package workers

import (
	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Environ is the environment of an app's processes.
func Environ(c modgw.RunnerConfig, user *account.Account) []string {
	return c.Descriptor.ProcessEnv(c.Environment, user.HomeDir())
}

// Limits are those of an app's processes.
func Limits(d modgw.Descriptor) proc.Limits {
	return proc.Limits{
		Files: d.Limits.Files, Processes: d.Limits.Processes, Memory: d.Limits.Memory, Stack: d.Limits.Stack, OOMScore: OOMScore,
		Umask: d.Umask, Nice: d.Nice,
	}
}
