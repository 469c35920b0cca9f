package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/cgroup"
)

const (
	// killTime limits the wait for the processes of a scope to end after they were killed.
	killTime = 5 * time.Second

	killInterval = 5 * time.Millisecond
)

// untilGone calls kill until it reports that nothing is left, or killTime is over.
func untilGone(kill func() (gone bool)) {
	for end := time.Now().Add(killTime); !kill() && time.Now().Before(end); {
		time.Sleep(killInterval)
	}
}

// killCgroup kills the processes of a cgroup and removes it.
func killCgroup(dir string) {
	untilGone(func() bool {
		if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0) != nil {
			// The kernel is older than Linux 5.14.
			for _, pid := range cgroup.ProcessesIn(dir) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		err := os.Remove(dir)
		return err == nil || errors.Is(err, fs.ErrNotExist)
	})
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

// killMarked kills all processes with the mark in their environment, until there are none. It
// returns the names of those that were not ending yet.
func killMarked(mark string) (names []string) {
	untilGone(func() bool {
		found, killed := killOnce([]byte(markVariable + "=" + mark))
		names = append(names, killed...)
		return !found
	})
	return names
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
