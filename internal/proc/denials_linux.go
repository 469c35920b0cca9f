package proc

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/kernelaudit"
)

// maxStarted is how many processes are remembered, so that denials are known to be theirs after
// they have ended.
const maxStarted = 4096

// denialReaders has the scopes whose denials are reported. The kernel reports those of the whole
// machine, so that one reader is enough for this process, as long as there are such scopes.
var denialReaders = struct {
	sync.Mutex
	reader *kernelaudit.Reader
	scopes map[*Scope]*denialReport
	groups map[string]*denialReport // by their group

	started map[int]*denialReport // reports for the latest processes, by number
	order   []int                 // numbers of these, the oldest first
}{scopes: map[*Scope]*denialReport{}, groups: map[string]*denialReport{}, started: map[int]*denialReport{}}

// denialReport is where the denials of a scope are reported.
type denialReport struct {
	group  string // path of its cgroup below that of this process; "": it has none
	denied func(kernelaudit.Denial)
}

// ReportDenials has denied called with what the kernel denies to processes of the scope, as
// [kernelaudit.Reader.Watch] says, until the scope is killed. It is called before any is started.
func (s *Scope) ReportDenials(denied func(kernelaudit.Denial)) error {
	all := &denialReaders
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

// endReports ends what ReportDenials began.
func (s *Scope) endReports() {
	if !s.reports {
		return
	}
	all := &denialReaders
	all.Lock()
	defer all.Unlock()
	if report := all.scopes[s]; report != nil {
		delete(all.groups, report.group)
		delete(all.scopes, s)
	}
	if len(all.scopes) == 0 && all.reader != nil {
		all.reader.Close()
		all.reader, all.order = nil, nil
		clear(all.started)
	}
}

// starting is called before a process is started in the scope, and what it returns afterwards, with
// the number of the process; 0: there is none. A denial that comes before that is kept waiting
// where no cgroup tells whose it is.
func (s *Scope) starting() (started func(pid int)) {
	if s == nil || !s.reports {
		return func(int) {}
	}
	all := &denialReaders
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

// noteStart remembers that a process was started in the scope. The lock of denialReaders is held.
func (s *Scope) noteStart(pid int) {
	all := &denialReaders
	all.started[pid], all.order = all.scopes[s], append(all.order, pid)
	if len(all.order) > maxStarted {
		if oldest := all.order[0]; oldest != pid {
			delete(all.started, oldest)
		}
		all.order = all.order[1:]
	}
}

// reportDenial reports a denial to the scope that the process belongs to.
func reportDenial(d kernelaudit.Denial) {
	group, runs := groupOf(d.PID)
	all := &denialReaders
	all.Lock()
	report := all.groups[group]
	if report == nil {
		report = all.started[d.PID]
		if report != nil && report.group != "" && runs {
			report = nil // it is another process with the same number
		}
	}
	all.Unlock()
	if report != nil {
		report.denied(d)
	}
}

// groupOf is the path of the cgroup of a process below that of this one; "": it is in none of them.
// runs is false when the process has ended.
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

// belowHome is what follows the folder of this process's cgroups in a path; "": it is not there.
func belowHome(path string) string {
	home, err := homeName()
	if err != nil {
		return ""
	}
	_, below, _ := strings.Cut(path, "/"+home+"/")
	return below
}
