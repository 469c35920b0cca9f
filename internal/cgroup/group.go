package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Group limits the resources of processes together. The nil Group sets no limits.
type Group struct {
	unified string // folder in version 2, for groups with processes below it; "": none
	split   map[Controller]string
	limits  Limits // limits with which it was opened
}

// Open creates the group called name below the folder called home, or finds the existing one, and
// sets the limits that this machine supports. The group is nil if no controller can be used. The
// error is about the first limit that could not be set although its controller exists.
func (t Tree) Open(home, name string, l Limits) (*Group, error) {
	g := &Group{split: map[Controller]string{}, limits: l}
	var failed error
	for _, c := range Controllers() {
		var err error
		switch t.Means(c) {
		case 2:
			err = g.openUnified(filepath.Join(t.Unified, home), name, c, l)
		case 1:
			err = g.openSplit(filepath.Join(t.split[c], home), name, c, l)
		}
		if failed == nil {
			failed = err
		}
	}
	if g.unified == "" && len(g.split) == 0 {
		return nil, failed
	}
	return g, failed
}

// openUnified creates the folder of the group in version 2, with controllers for the groups below
// it.
func (g *Group) openUnified(home, name string, c Controller, l Limits) error {
	dir := filepath.Join(home, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make a cgroup: %w", err)
	}
	g.unified = dir
	if err := enable(home, []Controller{c}); err != nil {
		return fmt.Errorf("cannot use controller %s: %w", c, err)
	}
	return apply(dir, l.settings2(c))
}

func (g *Group) openSplit(home, name string, c Controller, l Limits) error {
	dir := filepath.Join(home, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make a cgroup: %w", err)
	}
	g.split[c] = dir
	return apply(dir, l.settings1(c))
}

// Unified returns the folder below which version 2 groups with processes are created; "": none.
func (g *Group) Unified() string {
	if g == nil {
		return ""
	}
	return g.unified
}

// Restore creates the version 1 folders again that were removed while they were empty, as an
// administrator or another program may do: otherwise no process could be started in them.
func (g *Group) Restore() error {
	if g == nil {
		return nil
	}
	for c, dir := range g.split {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make a cgroup: %w", err)
		}
		if err := apply(dir, g.limits.settings1(c)); err != nil {
			return err
		}
	}
	return nil
}

// ProcessFiles returns the version 1 files to which a process writes "0" to join the group.
func (g *Group) ProcessFiles() []string {
	if g == nil {
		return nil
	}
	var files []string
	for _, c := range Controllers() {
		if dir := g.split[c]; dir != "" {
			files = append(files, filepath.Join(dir, "cgroup.procs"))
		}
	}
	return files
}

// Version returns the version of control groups by which the group limits a controller's resource,
// or 0 if it does not.
func (g *Group) Version(c Controller) int {
	switch {
	case g == nil:
		return 0
	case g.split[c] != "":
		return 1
	case g.unified != "" && writable(filepath.Join(g.unified, firstFile[c])):
		return 2
	}
	return 0
}

// firstFile is a file that a group of version 2 has when it has the controller.
var firstFile = map[Controller]string{Memory: "memory.max", CPU: "cpu.max", Processes: "pids.max", IO: "io.max"}

// Usage is the resource usage of all processes in a group together.
type Usage struct {
	Memory   int64  // bytes now; 0: unknown
	Peak     int64  // bytes at most; 0: unknown
	OOMKills uint64 // processes that the kernel has ended because of the limit
}

// Usage returns the resource usage of the group.
func (g *Group) Usage() Usage {
	switch {
	case g == nil:
		return Usage{}
	case g.split[Memory] != "":
		dir := g.split[Memory]
		return Usage{
			Memory:   number(filepath.Join(dir, "memory.usage_in_bytes")),
			Peak:     number(filepath.Join(dir, "memory.max_usage_in_bytes")),
			OOMKills: field(filepath.Join(dir, "memory.oom_control"), "oom_kill"),
		}
	}
	return Usage{
		Memory:   number(filepath.Join(g.unified, "memory.current")),
		Peak:     number(filepath.Join(g.unified, "memory.peak")),
		OOMKills: field(filepath.Join(g.unified, "memory.events"), "oom_kill"),
	}
}

// Remove removes the folders of the group, unless it contains processes or other groups.
func (g *Group) Remove() {
	if g == nil {
		return
	}
	for _, dir := range g.folders() {
		if err := os.Remove(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(filepath.Dir(dir)) // if it was the last
		}
	}
}

func (g *Group) folders() []string {
	var all []string
	if g.unified != "" {
		all = append(all, g.unified)
	}
	for _, c := range Controllers() {
		if dir := g.split[c]; dir != "" {
			all = append(all, dir)
		}
	}
	return all
}

// RemoveStrays removes the empty groups below version 1 homes that match a pattern, if the process
// that created the home has ended. The groups of a running process are kept: they are also empty
// between two processes, and the next process needs them.
func (t Tree) RemoveStrays(pattern string, ended func(home string) bool) {
	folders := slices.Collect(maps.Values(t.split))
	if t.freezer != "" {
		folders = append(folders, t.freezer)
	}
	for _, dir := range folders {
		homes, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is right
		for _, home := range homes {
			if !ended(filepath.Base(home)) {
				continue
			}
			groups, _ := filepath.Glob(filepath.Join(home, "*"))
			for _, group := range groups {
				endFrozen(group)
				_ = os.Remove(group) // fails for files and for groups in use
			}
			_ = os.Remove(home)
		}
	}
}

// number returns the number in a file, or 0 if there is none.
func number(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// field returns a number from a file of lines with a name and a number, or 0 if the name is
// missing.
func field(file, name string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}

func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// Reclaims reports whether memory of the group can be taken back (Linux 5.19).
func (g *Group) Reclaims() bool {
	return g != nil && g.unified != "" && writable(filepath.Join(g.unified, "memory.reclaim"))
}

// reclaimStep is the number of bytes that are reclaimed before the context is checked again.
const reclaimStep = 16 << 20

// Reclaim reclaims as much of the memory of the group's processes as the kernel can store
// elsewhere, until ctx ends.
func (g *Group) Reclaim(ctx context.Context) {
	for left := number(filepath.Join(g.unified, "memory.current")); left > 0 && ctx.Err() == nil; left -= reclaimStep {
		if write(g.unified, "memory.reclaim", strconv.Itoa(reclaimStep)) != nil {
			return // no more can be reclaimed
		}
	}
}
