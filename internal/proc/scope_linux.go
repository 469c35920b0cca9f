package proc

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/addressfilter"
	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/launcher"
)

// markVariable is in the environment of the processes of a scope that has no cgroup.
const markVariable = "MODGW_SCOPE"

const (
	// killTime limits the wait for the processes of a scope to end after they were killed.
	killTime = 5 * time.Second

	killInterval = 5 * time.Millisecond
)

// Scope is a set of processes together with all their descendants, whatever session or process
// group those have chosen: a process belongs to the scope in which it was started, and so do its
// children. The nil Scope is no scope.
//
// It is a cgroup if this process can create one, which requires no controller (cgroups(7), version
// 2). Otherwise the processes have a mark in their environment, which a process can remove from its
// children's: see [ScopesAreMarks].
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

// ScopesAreMarks returns why this process can make no cgroups; nil when it can.
func ScopesAreMarks() error {
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

// cgroupHome is the folder of this process's version 2 cgroups.
var cgroupHome = sync.OnceValues(func() (string, error) {
	tree, err := ownTree()
	if err != nil {
		return "", err
	}
	name, err := homeName()
	if err != nil {
		return "", err
	}
	if tree.Unified == "" {
		return "", errors.New("there is no cgroup file system of version 2")
	}
	home := filepath.Join(tree.Unified, name)
	folder, err := makeCgroup(home)
	if err != nil {
		return "", err
	}
	defer folder.Close()
	defer func() { _ = errors.Join(os.Remove(folder.Name()), os.Remove(home)) }()
	// If a process can be started in it, others can be, too.
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{launcher.Name, ""}, Env: []string{}, SysProcAttr: &syscall.SysProcAttr{}}
	(&Scope{folder: folder}).join(cmd)
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("cannot start a process in a cgroup: %w", err)
	}
	_ = cmd.Wait()
	return home, nil
})

// startTimeField is the index of a process's start time among the fields after its state
// (proc_pid_stat(5)).
const startTimeField = 18

// ownTree returns the position of this process in the machine's groups when it was first called. At
// that time, it also kills and removes the remains of ended processes of the same PID namespace.
var ownTree = sync.OnceValues(func() (cgroup.Tree, error) {
	tree, err := cgroup.Find()
	if err != nil {
		return tree, err
	}
	namespace, err := pidNamespace()
	if err != nil {
		return tree, err
	}
	if procShowsOwnNamespace() {
		if tree.Unified != "" {
			endStrays(tree.Unified, namespace)
		}
		tree.RemoveStrays(homePattern(namespace), func(home string) bool { return hasEnded(home, namespace) })
	}
	return tree, nil
})

// homeName returns the name of the folder of this process's cgroups. It contains the PID namespace,
// the process ID there, and the start time, which distinguishes it from later processes with the
// ID.
var homeName = sync.OnceValues(func() (string, error) {
	namespace, err := pidNamespace()
	if err != nil {
		return "", err
	}
	_, fields := statOf(os.Getpid())
	if len(fields) <= startTimeField {
		return "", errors.New("cannot find out when this process started")
	}
	return homeNameOf(namespace, os.Getpid(), fields[startTimeField]), nil
})

func homeNameOf(namespace uint64, pid int, start string) string {
	return fmt.Sprintf("modgw-%d-%d-%s", namespace, pid, start)
}

// homePattern returns a glob for the names of all homes of a PID namespace.
func homePattern(namespace uint64) string { return fmt.Sprintf("modgw-%d-*-*", namespace) }

// hasEnded reports whether a home belongs to a process of the PID namespace that has ended.
func hasEnded(home string, namespace uint64) bool {
	var of uint64
	var pid int
	var start string
	n, err := fmt.Sscanf(strings.ReplaceAll(home, "-", " "), "modgw %d %d %s", &of, &pid, &start)
	if n != 3 || err != nil || of != namespace {
		return false
	}
	_, fields := statOf(pid)
	return len(fields) <= startTimeField || fields[startTimeField] != start
}

// pidNamespace returns the number of this process's PID namespace.
func pidNamespace() (uint64, error) {
	var stat unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &stat); err != nil {
		return 0, fmt.Errorf("cannot find out the PID namespace: %w", err)
	}
	return stat.Ino, nil
}

// procShowsOwnNamespace reports whether the numbers in /proc are process IDs of this process's PID
// namespace, so that an ID that is missing there belongs to a process that has ended.
func procShowsOwnNamespace() bool {
	self, err := os.Readlink("/proc/self")
	return err == nil && self == strconv.Itoa(os.Getpid())
}

// cgroups counts the cgroups that this process has made.
var cgroups atomic.Int64

// makeCgroup creates a cgroup below home, and home if it is missing.
func makeCgroup(home string) (*os.File, error) {
	dir := filepath.Join(home, strconv.FormatInt(cgroups.Add(1), 10))
	const attempts = 3 // home may be removed between the two steps
	var err error
	for range attempts {
		if err = os.MkdirAll(home, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make a cgroup: %w", err)
		}
		if err = os.Mkdir(dir, 0o755); err == nil {
			return os.Open(dir)
		}
	}
	return nil, fmt.Errorf("cannot make a cgroup: %w", err)
}

// endStrays kills the processes in the cgroups of instances of this program that have ended without
// doing so. It leaves cgroups of other PID namespaces alone: a container may share the cgroups
// without seeing the processes, and when it ends the kernel kills its processes.
func endStrays(own string, namespace uint64) {
	// the pattern is right
	homes, _ := filepath.Glob(filepath.Join(own, homePattern(namespace)))
	for _, home := range homes {
		if !hasEnded(filepath.Base(home), namespace) {
			continue
		}
		for _, level := range []string{"*/*", "*"} { // groups of scopes are in groups of apps
			dirs, _ := filepath.Glob(filepath.Join(home, level, "cgroup.procs"))
			for _, procs := range dirs {
				killCgroup(filepath.Dir(procs))
			}
		}
		_ = os.Remove(home) // a folder that cannot be removed is empty and harmless
	}
}

// killCgroup kills the processes of a cgroup and removes it.
func killCgroup(dir string) {
	limit := time.NewTimer(killTime)
	defer limit.Stop()
	tick := time.NewTicker(killInterval)
	defer tick.Stop()
	for {
		if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) != nil {
			killEach(dir) // before Linux 5.14
		}
		if err := os.Remove(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return
		}
	}
}

func killEach(dir string) {
	for _, pid := range cgroup.ProcessesIn(dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// namesIn returns the names of the processes of a cgroup that are not ending yet.
func namesIn(dir string) (names []string) {
	for _, pid := range cgroup.ProcessesIn(dir) {
		if name := nameOf(pid); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// nameOf returns the name of a process, which it may have chosen, or "" if it is ending or gone.
func nameOf(pid int) string {
	if isEnding(pid) {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return printable(bytes.TrimSuffix(name, []byte("\n")))
}

// killMarked kills processes with the mark in their environment until none is left. It returns the
// names of those that were not ending yet.
func killMarked(mark string) (names []string) {
	limit := time.NewTimer(killTime)
	defer limit.Stop()
	tick := time.NewTicker(killInterval)
	defer tick.Stop()
	for {
		found, killed := killOnce([]byte(markVariable + "=" + mark))
		if names = append(names, killed...); !found {
			return names
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return names
		}
	}
}

// killOnce kills the processes that have the variable. It reports whether there were any, and the
// names of those that were not ending yet.
func killOnce(variable []byte) (found bool, names []string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false, nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// The descriptor ensures that the process that is killed is the one whose environment is
		// read.
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(v []byte) bool { return bytes.Equal(v, variable) }) {
			found = true
			if name := nameOf(pid); name != "" {
				names = append(names, name)
			}
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		}
		unix.Close(fd)
	}
	return found, names
}
