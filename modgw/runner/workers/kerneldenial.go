package workers

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
)

// reportDenials logs the kernel's denials to the processes of a scope, also if the app hides them,
// if the kernel reports them to this process.
func (s *Sandbox) reportDenials(scope *proc.Scope) {
	if s == nil || s.learning != nil {
		return
	}
	if err := scope.ReportDenials(s.denyFor); err != nil {
		s.config.Log.Debug("the kernel does not report what the sandbox denies", "error", err)
	}
}

// denyFor names a denial that the kernel reports. It may be one of a sandbox that the app itself
// has made inside of this one, as browsers do: that is the app's own affair.
func (s *Sandbox) denyFor(d kernelaudit.Denial) {
	if found, ours := s.explainDenial(d); ours {
		s.deny(s.config.Log, found)
	}
}

// explainDenial converts a denial of the kernel, and adds the setting that would allow it. It
// reports false if this sandbox allows the access.
func (s *Sandbox) explainDenial(d kernelaudit.Denial) (found denial, ours bool) {
	confined := s.config.Descriptor.Sandbox
	network := networkOf(confined)
	switch d.Kind {
	case kernelaudit.Files:
		allow := s.settingFor(d)
		return denial{kind: deniedFiles, allow: allow}, allow != ""
	case kernelaudit.Connect:
		return deniedEndpoint(d.To.String()), network != sandbox.Open
	case kernelaudit.Listen:
		return deniedEndpoint("*"), network != sandbox.Open
	case kernelaudit.Call:
		return deniedCall(d.Call, network)
	case kernelaudit.Signal:
		return denial{kind: deniedProcesses, what: "a signal to a process that is not the app's"}, true
	case kernelaudit.Abstract:
		return denial{kind: deniedNetwork, what: "an abstract Unix socket that is not the app's"}, true
	case kernelaudit.Trace:
		return denial{kind: deniedProcesses, what: "a look into a process that is not the app's"}, true
	}
	return denial{kind: deniedFiles, what: "a mount"}, true
}

// deniedCall is the denial of a system call by the filter. It reports false for a call that the
// filter allows.
func deniedCall(number uintptr, network sandbox.Network) (denial, bool) {
	switch name := sandbox.DeniedCall(number); {
	case name == "":
		return denial{}, false
	case name == "socket" && network == sandbox.Closed:
		return deniedEndpoint("HOST:PORT"), true
	case name == "socket" && network == sandbox.Listed, strings.HasPrefix(name, "send"):
		return deniedEndpoint("*"), network != sandbox.Open
	case name == "kill":
		return denial{kind: deniedProcesses, what: "a signal to all processes of the user"}, true
	default:
		return denial{kind: deniedCalls, what: "the system call " + name}, true
	}
}

// settingFor returns the setting that allows the access to a file. It returns "" if the sandbox
// allows it, or if file permissions deny it as well.
func (s *Sandbox) settingFor(d kernelaudit.Denial) string {
	if d.Path == "" || path.Base(d.Path) == "__pycache__" {
		return "" // Python goes on without
	}
	readable, writable := covered(s.grants(nil), d.Path)
	ofSystem, _ := covered(sandbox.System(), d.Path)
	switch {
	case writable || readable && !d.Change:
		return ""
	case !d.Change:
		return fmt.Sprintf("sandbox { read = [%q] }", d.Path)
	case ofSystem && !s.isRoot():
		return "" // Landlock is asked before file permissions
	}
	return fmt.Sprintf("sandbox { write = [%q] }", d.Path)
}

// isRoot reports whether the processes have the user root.
func (s *Sandbox) isRoot() bool {
	if s.user == nil {
		return os.Geteuid() == 0
	}
	return s.user.UID == 0
}
