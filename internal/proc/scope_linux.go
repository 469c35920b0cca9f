package proc

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/modgw/modgw/internal/addressfilter"
	"github.com/modgw/modgw/internal/cgroup"
)

// markVariable is in the environment of the processes of a scope that has no cgroup.
const markVariable = "MODGW_SCOPE"

// Scope is a set of processes together with all their descendants, whatever session or process
// group those have chosen: a process belongs to the scope in which it was started, and so do its
// children. The nil Scope is no scope.
//
// It is a cgroup if this process can create one, which requires no controller (cgroups(7), version
// 2). Otherwise the processes have a mark in their environment, which a process can remove from its
// children's: see [CheckCgroups].
type Scope struct {
	mark string
	app  string        // name of the app whose limits hold; "": it has none
	in   *cgroup.Group // group with the limits; nil: none

	mu     sync.Mutex
	folder *os.File // folder of the cgroup; nil: none

	// freezer stops its processes; nil: it is not wanted, or not available.
	freezer *cgroup.Freezer

	gone []*os.File // removed cgroups, which a start under way may still name

	filter  *addressfilter.Filter // addresses that its processes may reach; nil: no filter
	reports bool                  // denials of its processes are reported
	others  []string              // marks of another host's scopes whose processes are here
	left    bool                  // another host has its processes
}

// NewScope creates a scope, which lasts until Kill. If limits are set, they apply to its processes
// together with those of the app's other scopes with limits; the latest limits count. The error
// reports limits that are not in effect; the scope is usable nevertheless.
func NewScope(app string, limits cgroup.Limits) (*Scope, error) {
	s := &Scope{}
	home, noHome := cgroupHome()
	var err error
	if limits.Bounded() {
		s.app = app
		s.in, err = openGroup(app, limits)
	}
	if inside := s.in.Unified(); inside != "" {
		home, noHome = inside, nil
	}
	if noHome == nil {
		if folder, err := makeCgroup(home); err == nil {
			s.folder = folder
		}
	}
	if s.folder == nil {
		s.mark = rand.Text()
	}
	return s, err
}

// Version returns the version of control groups by which the kernel limits a resource of all
// processes of the scope together, or 0 if it does not.
func (s *Scope) Version(c cgroup.Controller) int {
	if s == nil {
		return 0
	}
	return s.in.Version(c)
}

// usage returns the resource usage of all processes of the scope's app together.
func (s *Scope) usage() cgroup.Usage {
	if s == nil {
		return cgroup.Usage{}
	}
	return s.in.Usage()
}

// CheckCgroups returns why this process can make no cgroups; nil when it can.
func CheckCgroups() error {
	_, err := cgroupHome()
	return err
}

// Mark returns the value in the environment of the scope's processes, or "" if they need none.
func (s *Scope) Mark() string {
	if s == nil {
		return ""
	}
	return s.mark
}

// Kill kills all processes of the scope, and ends the scope. It returns when the processes have
// ended, or will soon, with the names of those that were not ending yet.
func (s *Scope) Kill() (names []string) {
	if s == nil {
		return nil
	}
	if s.app != "" {
		defer closeGroup(s.app)
	}
	if s.filter != nil {
		defer s.filter.Close()
	}
	defer s.endReports()
	_ = s.freezer.Thaw() // processes that are frozen by version 1 do not end
	defer s.freezer.Remove()
	s.mu.Lock()
	others, left := s.others, s.left
	s.mu.Unlock()
	for _, mark := range others {
		names = append(names, killMarked(mark)...)
	}
	switch {
	case s.folder == nil && left:
	case s.folder == nil:
		names = append(names, killMarked(s.mark)...)
	default:
		names = append(names, namesIn(s.folder.Name())...)
		killCgroup(s.folder.Name())
		for _, folder := range append(s.gone, s.folder) {
			folder.Close()
		}
		// The folder of all this process's cgroups is removed with the last one; it is created
		// again when it is needed.
		_ = os.Remove(filepath.Dir(s.folder.Name()))
	}
	return names
}

// mostNames is the maximum number of process names in a record.
const mostNames = 10

// End kills the processes of the scope like Kill, and logs the names of those left behind.
func (s *Scope) End(log *slog.Logger) {
	names := s.Kill()
	if len(names) == 0 {
		return
	}
	count := len(names)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > mostNames {
		names = append(names[:mostNames], "…")
	}
	log.Warn("ended processes that were left behind", "count", count, "names", strings.Join(names, ", "))
}

// bound adds the groups that limit the processes of the scope together to limits.
func (s *Scope) bound(l Limits) Limits {
	if s != nil {
		_ = s.in.Restore() // if it fails, joining the group fails and reports the error
		l.Groups = append(s.processFiles(), l.Groups...)
	}
	return l
}

// processFiles returns the version 1 files to which a process writes "0" to join the scope.
func (s *Scope) processFiles() []string {
	files := s.in.ProcessFiles()
	if file := s.freezer.ProcessFile(); file != "" {
		files = append(files, file)
	}
	return files
}

// join makes a command start in the scope.
func (s *Scope) join(cmd *exec.Cmd) {
	switch {
	case s == nil:
	case s.folder == nil:
		cmd.Env = append(cmd.Env, markVariable+"="+s.mark)
	default:
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, s.restore()
	}
}

// restore returns a descriptor of the cgroup. It creates the cgroup again if it was removed: an
// administrator or another program may remove it while it is empty, and then no process could be
// started in it.
func (s *Scope) restore() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.folder.Name()
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && os.MkdirAll(name, 0o755) == nil {
		if again, err := s.reopen(name); err == nil {
			s.gone, s.folder = append(s.gone, s.folder), again
		}
	}
	return int(s.folder.Fd())
}

// add moves a running process into the scope. If the scope is a mark, the caller must pass the mark
// to the process.
func (s *Scope) add(pid int) error {
	if s == nil {
		return nil
	}
	files := s.processFiles()
	if s.folder != nil {
		files = append(files, filepath.Join(s.folder.Name(), "cgroup.procs"))
	}
	for _, file := range files {
		if err := os.WriteFile(file, strconv.AppendInt(nil, int64(pid), 10), 0); err != nil {
			return err
		}
	}
	return nil
}
