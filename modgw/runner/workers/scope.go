package workers

import (
	"fmt"
	"log/slog"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// NewScope returns the scope for the processes of an app, or nil. It applies the limits for all of
// them together. With a sandbox it restricts their addresses and reports denials. Limits that
// cannot be set are logged.
func NewScope(d modgw.Descriptor, s *Sandbox, log *slog.Logger) *proc.Scope {
	scope, err := proc.NewScope(string(d.Name), groupLimits(d))
	if err != nil {
		fault := &modgw.Fault{
			Code: "MGW-APP-112", Summary: "cannot bound the processes of the app together", Err: err,
			Hint: "the limits of each process hold; modgw-host status shows by which means each limit is in force",
		}
		log.Warn("limits not in force", "error", fault.Error())
	}
	s.filterAddresses(scope)
	s.reportDenials(scope)
	return scope
}

// newPoolScope is NewScope for workers, which may have to sleep.
func newPoolScope(d modgw.Descriptor, s *Sandbox, log *slog.Logger) *proc.Scope {
	scope := NewScope(d, s, log)
	if d.Idle.SleepAfter > 0 {
		scope.AllowFreeze()
	}
	return scope
}

// AreBounded reports whether an app has limits that hold for its processes together.
func AreBounded(d modgw.Descriptor) bool { return groupLimits(d).Bounded() }

// groupLimits are the limits of an app that hold for its processes together.
func groupLimits(d modgw.Descriptor) cgroup.Limits {
	return cgroup.Limits{
		Memory: d.Limits.Memory, MemorySoft: d.Limits.MemorySoft, CPU: d.Limits.CPU, CPUWeight: d.Limits.CPUWeight,
		Processes: d.Limits.Processes, IOWeight: d.Limits.IOWeight,
	}
}

// groupLimit is an argument of the limits block that holds for all processes of an app together.
type groupLimit struct {
	name       string
	controller cgroup.Controller
	otherwise  string // means without control groups: "rlimit" or "none"
	isSet      func(modgw.Limits) bool
}

var limitsOfGroups = []groupLimit{
	{"memory", cgroup.Memory, "rlimit", func(l modgw.Limits) bool { return l.Memory > 0 }},
	{"memory_soft", cgroup.Memory, "none", func(l modgw.Limits) bool { return l.MemorySoft > 0 }},
	{"cpu", cgroup.CPU, "none", func(l modgw.Limits) bool { return l.CPU > 0 }},
	{"cpu_weight", cgroup.CPU, "none", func(l modgw.Limits) bool { return l.CPUWeight > 0 }},
	{"processes", cgroup.Processes, "rlimit", func(l modgw.Limits) bool { return l.Processes > 0 }},
	{"io_weight", cgroup.IO, "none", func(l modgw.Limits) bool { return l.IOWeight > 0 }},
}

// LimitMeans returns for each limit of an app the mechanism that enforces it: "cgroup v2", "cgroup
// v1", "rlimit", which limits each process alone, or "none".
func LimitMeans(d modgw.Descriptor, scope *proc.Scope) map[string]string {
	means := map[string]string{}
	for _, l := range limitsOfGroups {
		if !l.isSet(d.Limits) {
			continue
		}
		means[l.name] = l.otherwise
		if version := scope.Version(l.controller); version > 0 {
			means[l.name] = fmt.Sprintf("cgroup v%d", version)
		}
	}
	return means
}

// Unenforced returns the arguments of the limits block that are not enforced with the controllers
// that bounds reports.
func Unenforced(bounds func(cgroup.Controller) bool) []string {
	var names []string
	for _, l := range limitsOfGroups {
		if l.otherwise == "none" && !bounds(l.controller) {
			names = append(names, l.name)
		}
	}
	return names
}
