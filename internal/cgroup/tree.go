package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/mountinfo"
)

// Tree is the position of this process in the machine's groups.
type Tree struct {
	Unified string // folder of this process's group of version 2; "": none

	// split are the folders of this process's groups of version 1, by controller.
	split map[Controller]string

	freezer string // folder of this process's freezer group of version 1; "": none
}

// names1 maps the names of controllers that differ in version 1.
var names1 = map[string]Controller{"memory": Memory, "cpu": CPU, "pids": Processes, "blkio": IO}

// Find finds the groups of this process.
func Find() (Tree, error) {
	mounts, err := os.ReadFile(mountinfo.Path)
	if err != nil {
		return Tree{}, err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Tree{}, err
	}
	return find(string(mounts), string(groups)), nil
}

// find parses the files described in proc_pid_mountinfo(5) and cgroups(7).
func find(mounts, groups string) Tree {
	t := Tree{split: map[Controller]string{}}
	own := map[string]string{} // path of the own group by controller; "" for version 2
	for line := range strings.Lines(groups) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) < 3 {
			continue
		}
		for name := range strings.SplitSeq(fields[1], ",") {
			own[name] = fields[2]
		}
	}
	for _, m := range mountinfo.Parse(mounts) {
		switch m.Type {
		case "cgroup2":
			if dir, ok := within(m, own, ""); ok && t.Unified == "" {
				t.Unified = dir
			}
		case "cgroup":
			for _, option := range m.Options {
				if dir, ok := within(m, own, option); ok && option == "freezer" {
					t.freezer = dir
				}
				controller, known := names1[option]
				if dir, ok := within(m, own, option); known && ok && t.split[controller] == "" {
					t.split[controller] = dir
				}
			}
		}
	}
	if filepath.Base(t.Unified) == leafName {
		t.Unified = filepath.Dir(t.Unified) // it was started by a host that had moved there
	}
	return t
}

// leafName is the group to which a host moves when it delegates controllers; see [Tree.Delegate].
const leafName = "modgw-host"

// within returns the folder of the own group in a mount.
func within(m mountinfo.Mount, own map[string]string, name string) (string, bool) {
	path, ok := own[name]
	if !ok {
		return "", false
	}
	inside, ok := files.Inside(m.Root, path)
	return filepath.Join(m.Point, inside), ok
}

// Delegate enables the version 2 controllers in groups below this process's own group, as far as
// permitted. The kernel requires that the own group contains no process, so this process moves to a
// group below it. end undoes the change; it is nil if nothing was changed.
//
// It is for a program that has its group to itself, such as a systemd service with Delegate=.
func (t Tree) Delegate() (end func()) {
	if t.Unified == "" {
		return nil
	}
	wanted := slices.DeleteFunc(t.available(), func(c Controller) bool { return slices.Contains(t.enabled(), c) })
	if len(wanted) == 0 || !writable(filepath.Join(t.Unified, "cgroup.subtree_control")) {
		return nil
	}
	leaf := filepath.Join(t.Unified, leafName)
	moved := false
	if enable(t.Unified, wanted) != nil {
		// The kernel refuses it while there are processes in the group.
		if os.Mkdir(leaf, 0o755) != nil || move(leaf) != nil {
			_ = os.Remove(leaf)
			return nil
		}
		if moved = true; enable(t.Unified, wanted) != nil {
			_ = move(t.Unified)
			_ = os.Remove(leaf)
			return nil
		}
	}
	return func() {
		_ = write(t.Unified, "cgroup.subtree_control", signed("-", wanted))
		if moved {
			_ = move(t.Unified)
			_ = os.Remove(leaf)
		}
	}
}

// move moves this process into a group.
func move(dir string) error { return write(dir, "cgroup.procs", "0") }

func enable(dir string, controllers []Controller) error {
	return write(dir, "cgroup.subtree_control", signed("+", controllers))
}

func signed(sign string, controllers []Controller) string {
	words := make([]string, len(controllers))
	for i, c := range controllers {
		words[i] = sign + string(c)
	}
	return strings.Join(words, " ")
}

func write(dir, file, text string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
}

// available returns the controllers of the own version 2 group.
func (t Tree) available() []Controller { return listed(filepath.Join(t.Unified, "cgroup.controllers")) }

// enabled returns the controllers that groups below it have.
func (t Tree) enabled() []Controller {
	return listed(filepath.Join(t.Unified, "cgroup.subtree_control"))
}

func listed(file string) []Controller {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var found []Controller
	for name := range strings.FieldsSeq(string(text)) {
		if slices.Contains(Controllers(), Controller(name)) {
			found = append(found, Controller(name))
		}
	}
	return found
}

// Has reports whether the machine has a controller for groups like this process's own.
func (t Tree) Has(c Controller) bool { return t.split[c] != "" || slices.Contains(t.available(), c) }

// Means returns the version by which a controller can be used below this process's groups: 2, 1, or
// 0 if it cannot be used.
func (t Tree) Means(c Controller) int {
	switch {
	case t.Unified != "" && slices.Contains(t.enabled(), c):
		return 2
	case t.split[c] != "" && writable(t.split[c]):
		return 1
	}
	return 0
}
