package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// freezeTime limits the wait for the processes of a group to stop. A process that waits in the
	// kernel for a disk or a server stops only after the answer.
	freezeTime = 5 * time.Second

	freezeInterval = 2 * time.Millisecond
)

// ErrNotFrozen is the error for processes that did not stop in time. They continue to run.
var ErrNotFrozen = errors.New("its processes did not stop in time")

// Freezer stops the processes of a group and lets them continue. The processes cannot observe it,
// whereas a parent or a shell can observe SIGSTOP. The nil Freezer stops no process.
type Freezer struct {
	dir   string
	words freezerWords
}

// freezerWords are the files and words with which a version freezes.
type freezerWords struct {
	version         int
	file            string // file to which freeze or thaw is written
	freeze, thaw    string
	state, isFrozen string // file, and its content when all processes have stopped
}

var (
	words1 = freezerWords{1, "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN\n"}
	words2 = freezerWords{2, "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1\n"}
)

// UnifiedFreezer returns the freezer of the version 2 group whose folder is dir. It returns nil if
// the kernel is older than 5.2, or if this process may not use it.
func UnifiedFreezer(dir string) *Freezer {
	if !writable(filepath.Join(dir, words2.file)) {
		return nil
	}
	return &Freezer{dir, words2}
}

// OpenFreezer creates a version 1 group that can be frozen, below the folder called home. It
// returns nil if the machine has no freezer that this process may use.
func (t Tree) OpenFreezer(home, name string) *Freezer {
	if t.freezer == "" || !writable(t.freezer) {
		return nil
	}
	dir := filepath.Join(t.freezer, home, name)
	if os.MkdirAll(dir, 0o755) != nil {
		return nil
	}
	f := &Freezer{dir, words1}
	if !writable(filepath.Join(dir, words1.file)) {
		f.Remove()
		return nil
	}
	return f
}

// HasFreezer reports whether the machine probably has a freezer for groups like this process's own.
func (t Tree) HasFreezer() bool { return t.freezer != "" || t.Unified != "" }

// Version returns the version of control groups by which processes are frozen, or 0 for a nil
// Freezer.
func (f *Freezer) Version() int {
	if f == nil {
		return 0
	}
	return f.words.version
}

// Freeze stops the processes of the group. If it fails, or ctx ends first, they continue.
func (f *Freezer) Freeze(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, freezeTime, ErrNotFrozen)
	defer cancel()
	tick := time.NewTicker(freezeInterval)
	defer tick.Stop()
	for {
		// Version 1 requires it again if a process was forked meanwhile.
		err := write(f.dir, f.words.file, f.words.freeze)
		if err != nil {
			return errors.Join(fmt.Errorf("cannot freeze a control group: %w", err), f.Thaw())
		}
		text, err := os.ReadFile(filepath.Join(f.dir, f.words.state))
		if err != nil {
			return errors.Join(err, f.Thaw())
		}
		if strings.Contains(string(text), f.words.isFrozen) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), f.Thaw())
		}
	}
}

// Thaw lets the processes continue. It has no effect on a nil Freezer.
func (f *Freezer) Thaw() error {
	if f == nil {
		return nil
	}
	if err := write(f.dir, f.words.file, f.words.thaw); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot thaw a control group: %w", err)
	}
	return nil
}

// Processes returns the IDs of the processes in the group, in no particular order.
func (f *Freezer) Processes() []int {
	if f == nil {
		return nil
	}
	return ProcessesIn(f.dir)
}

// ProcessesIn returns the IDs of the processes in the group whose folder is dir, in no particular
// order.
func ProcessesIn(dir string) (pids []int) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ProcessFile returns the file to which a process writes "0" to join a version 1 group. It returns
// "" for a version 2 group, to which the processes belong anyway.
func (f *Freezer) ProcessFile() string {
	if f.Version() != 1 {
		return ""
	}
	return filepath.Join(f.dir, "cgroup.procs")
}

// endFrozen kills the processes in a group of version 1 that ended processes have left frozen: the
// signals that ended those could not reach frozen processes.
func endFrozen(dir string) {
	if _, err := os.Stat(filepath.Join(dir, words1.file)); err != nil {
		return
	}
	for _, pid := range ProcessesIn(dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = (&Freezer{dir, words1}).Thaw()
}

// Remove removes a group of version 1, unless it contains processes.
func (f *Freezer) Remove() {
	if f.Version() == 1 && os.Remove(f.dir) == nil {
		_ = os.Remove(filepath.Dir(f.dir)) // if it was the last
	}
}
