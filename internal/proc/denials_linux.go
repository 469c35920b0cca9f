package proc

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/kernelaudit"
)

// maxStarted is the maximum number of processes that are remembered, so that denials can be
// assigned to them after they have ended.
const maxStarted = 4096

// maxDomains is the maximum number of Landlock domains that are remembered. An app may create many.
const maxDomains = 1 << 14

// denialReports holds the scopes whose denials are reported.
type denialReports struct {
	sync.Mutex
	reader *kernelaudit.Reader
	scopes map[*Scope]*denialReport
	groups map[string]*denialReport // by their group

	started map[int]startedProcess // latest processes, by number
	order   []int                  // numbers of these, the oldest first

	domains map[uint64]*denialReport // by the domains of Landlock that their processes are in
}

func newDenialReports() *denialReports {
	return &denialReports{
		scopes: map[*Scope]*denialReport{}, groups: map[string]*denialReport{}, started: map[int]startedProcess{},
		domains: map[uint64]*denialReport{},
	}
}

// denialReaders holds this process's reports. The kernel reports the denials of the whole machine,
// so one reader is enough, and it is open while there are scopes with reports.
var denialReaders = newDenialReports()

// denialReport is the receiver of the denials of a scope.
type denialReport struct {
	group  string // path of its cgroup below this process's cgroup; "": it has no cgroup
	denied func(kernelaudit.Denial)
}

// startedProcess is a process that was started in a scope.
type startedProcess struct {
	report *denialReport
	reused bool // another scope had started one with the same number
}

// ReportDenials calls denied for accesses that the kernel denies to processes of the scope, as
// described at [kernelaudit.Reader.Watch], until the scope is killed. It must be called before a
// process is started in the scope.
func (s *Scope) ReportDenials(denied func(kernelaudit.Denial)) error {
	all := denialReaders
	all.Lock()
	defer all.Unlock()
	if all.reader == nil {
		reader, err := kernelaudit.Open()
		if err != nil {
			return err
		}
		all.reader = reader
		go reader.Watch(reportDenial)
	}
	report := &denialReport{denied: denied}
	if s.folder != nil {
		report.group = belowHome(s.folder.Name())
		all.groups[report.group] = report
	}
	all.scopes[s] = report
	s.reports = true
	return nil
}

// endReports ends the reports of ReportDenials.
func (s *Scope) endReports() {
	if !s.reports {
		return
	}
	all := denialReaders
	all.Lock()
	defer all.Unlock()
	if report := all.scopes[s]; report != nil {
		delete(all.groups, report.group)
		delete(all.scopes, s)
		maps.DeleteFunc(all.domains, func(_ uint64, of *denialReport) bool { return of == report })
	}
	if len(all.scopes) == 0 && all.reader != nil {
		all.reader.Close()
		all.reader, all.order = nil, nil
		clear(all.started)
	}
}

// starting is called before a process is started in the scope; the function that it returns is
// called afterwards with the process ID, or with 0 if the start failed. If the scope has no cgroup
// by which a denial can be assigned to it, denials in between must wait.
func (s *Scope) starting() (started func(pid int)) {
	if s == nil || !s.reports {
		return func(int) {}
	}
	all := denialReaders
	grouped := s.folder != nil
	if !grouped {
		all.Lock()
	}
	return func(pid int) {
		if grouped {
			all.Lock()
		}
		defer all.Unlock()
		if pid > 0 {
			s.noteStart(pid)
		}
	}
}

// noteStart records that a process was started in the scope. The caller must hold the lock of
// denialReaders.
func (s *Scope) noteStart(pid int) { denialReaders.noteStart(pid, denialReaders.scopes[s]) }

// noteStart records a process for a report. The caller must hold the lock.
func (all *denialReports) noteStart(pid int, report *denialReport) {
	before, known := all.started[pid]
	all.started[pid] = startedProcess{report, known && (before.reused || before.report != report)}
	all.order = append(all.order, pid)
	if len(all.order) > maxStarted {
		if oldest := all.order[0]; oldest != pid {
			delete(all.started, oldest)
		}
		all.order = all.order[1:]
	}
}

// reportDenial reports a denial to the scope that the process belongs to.
func reportDenial(d kernelaudit.Denial) {
	denialReaders.Lock()
	report := denialReaders.reportOf(d, groupOf)
	denialReaders.Unlock()
	if report != nil {
		report.denied(d)
	}
}

// reportOf returns the report that a denial belongs to, or nil if there is none or it is uncertain.
// groupOf is the function groupOf, or a test's replacement. The caller must hold the lock.
//
// A domain belongs to the scope of its first denial: later, the IDs of its processes, and of the
// process that created it, may belong to processes of another app.
func (all *denialReports) reportOf(d kernelaudit.Denial, groupOf func(pid int) (string, bool)) *denialReport {
	if report := all.domains[d.Domain]; report != nil {
		return report
	}
	report := all.reportOfCaller(d.PID, groupOf)
	if report == nil && d.Owner > 0 {
		report = all.reportOfOwner(d, groupOf)
	}
	if report != nil && d.Domain != 0 {
		if len(all.domains) >= maxDomains {
			clear(all.domains)
		}
		all.domains[d.Domain] = report
	}
	return report
}

// reportOfCaller returns the report of a process that was denied an access a moment ago.
func (all *denialReports) reportOfCaller(pid int, groupOf func(pid int) (string, bool)) *denialReport {
	group, runs := groupOf(pid)
	if report := all.groups[group]; report != nil {
		return report
	}
	report := all.started[pid].report
	if report != nil && report.group != "" && runs {
		return nil // it is another process with the same number
	}
	return report
}

// reportOfOwner returns the report of the process that created a domain, and which may have ended
// long ago. Only one scope may have started a process with this ID. A process that runs must still
// be in the scope's group; one that has ended counts only if the kernel does not name the process
// that was denied access.
func (all *denialReports) reportOfOwner(
	d kernelaudit.Denial, groupOf func(pid int) (string, bool),
) *denialReport {
	owner := all.started[d.Owner]
	if owner.report == nil || owner.reused {
		return nil
	}
	group, runs := groupOf(d.Owner)
	if runs && group == owner.report.group || !runs && d.PID == 0 {
		return owner.report
	}
	return nil
}

// groupOf returns the path of the cgroup of a process below this process's cgroups, or "" if it is
// in none of them. runs is false if the process has ended.
func groupOf(pid int) (group string, runs bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return belowHome(path), true
		}
	}
	return "", true
}

// belowHome returns the part of a path after the folder of this process's cgroups, or "" if the
// path does not contain the folder.
func belowHome(path string) string {
	home, err := homeName()
	if err != nil {
		return ""
	}
	_, below, _ := strings.Cut(path, "/"+home+"/")
	return below
}
