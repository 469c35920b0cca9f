package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/launcher"
)

// cgroupHome is the folder in which this process keeps its cgroups of version 2.
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
	// A process that can be started in it proves that others can.
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{launcher.Name, ""}, Env: []string{}, SysProcAttr: &syscall.SysProcAttr{}}
	(&Scope{folder: folder}).join(cmd)
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("cannot start a process in a cgroup: %w", err)
	}
	_ = cmd.Wait()
	return home, nil
})

// startTimeField is the index of the time when a process started among the fields after its state
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

// makeCgroup makes a cgroup below home, which is made when it is missing.
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
