package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGroupsOfThisProcessAreFound parses the files of the kernel from machines of all kinds.
func TestGroupsOfThisProcessAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		mounts, groups string
		unified        string
		memory         string // folder of version 1
	}{
		"version 2, under systemd": {
			mounts:  "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
			groups:  "0::/system.slice/modgw.service\n",
			unified: "/sys/fs/cgroup/system.slice/modgw.service",
		},
		"version 2, started by a host that has delegated controllers": {
			mounts:  "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
			groups:  "0::/system.slice/modgw.service/modgw-host\n",
			unified: "/sys/fs/cgroup/system.slice/modgw.service",
		},
		"both, with the controllers in version 1": {
			mounts: "40 30 0:34 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"41 30 0:35 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
				"42 30 0:36 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			groups:  "4:memory:/box/1\n1:cpu,cpuacct:/\n0::/\n",
			unified: "/sys/fs/cgroup/unified", memory: "/sys/fs/cgroup/memory/box/1",
		},
		"a container, whose groups begin at its own": {
			mounts:  "50 40 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			groups:  "0::/docker/abc\n",
			unified: "/sys/fs/cgroup",
		},
		"a mount and a group with a blank in their names": {
			mounts:  "50 40 0:26 /box\\040a /srv/own\\040groups rw - cgroup2 cgroup rw\n",
			groups:  "0::/box a/b\n",
			unified: "/srv/own groups/b",
		},
		"a group that is not visible": {
			mounts: "50 40 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			groups: "0::/other\n",
		},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			tree := find(c.mounts, c.groups)
			if tree.Unified != c.unified || tree.split[Memory] != c.memory {
				t.Errorf("version 2 in %q, memory of version 1 in %q", tree.Unified, tree.split[Memory])
			}
		})
	}
}

// plainTree returns a tree of folders that look like groups.
func plainTree(t *testing.T, unified string, split ...Controller) Tree {
	t.Helper()
	tree := Tree{Unified: filepath.Join(t.TempDir(), "own"), split: map[Controller]string{}}
	for file, text := range map[string]string{"cgroup.controllers": "cpuset cpu io memory pids", "cgroup.subtree_control": unified} {
		put(t, filepath.Join(tree.Unified, file), text)
	}
	for _, c := range split {
		tree.split[c] = t.TempDir()
	}
	return tree
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, file, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || string(text) != want {
		t.Errorf("%s says %q, %v; want %q", file, text, err, want)
	}
}

var all = Limits{Memory: 1 << 30, MemorySoft: 1 << 29, CPU: 1.5, CPUWeight: 50, Processes: 99, IOWeight: 20}

func TestLimitsAreWrittenInTheWordsOfEachVersion(t *testing.T) {
	tree := plainTree(t, "cpu io memory pids")
	g, err := tree.Open("modgw-1", "blog", all)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(tree.Unified, "modgw-1", "blog")
	if g.Unified() != dir || len(g.ProcessFiles()) != 0 {
		t.Errorf("group %+v", g)
	}
	for file, want := range map[string]string{
		"memory.max": "1073741824", "memory.high": "536870912", "memory.swap.max": "0", "cpu.max": "150000 100000",
		"cpu.weight": "50", "pids.max": "99", "io.weight": "default 20",
	} {
		wantFile(t, filepath.Join(dir, file), want)
	}
	if _, err := tree.Open("modgw-1", "blog", Limits{CPU: 0.001}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": "max", "memory.swap.max": "max", "cpu.max": "1000 100000", "pids.max": "max"} {
		wantFile(t, filepath.Join(dir, file), want)
	}

	tree = plainTree(t, "", Memory, CPU, Processes, IO)
	if g, err = tree.Open("modgw-1", "blog", all); err != nil {
		t.Fatal(err)
	}
	if g.Unified() != "" || len(g.ProcessFiles()) != 4 || g.Version(Memory) != 1 {
		t.Errorf("group %+v", g)
	}
	for c, files := range map[Controller]map[string]string{
		Memory:    {"memory.limit_in_bytes": "1073741824", "memory.soft_limit_in_bytes": "536870912"},
		CPU:       {"cpu.cfs_quota_us": "150000", "cpu.cfs_period_us": "100000", "cpu.shares": "512"},
		Processes: {"pids.max": "99"},
		IO:        {"blkio.weight": "20"},
	} {
		for file, want := range files {
			wantFile(t, filepath.Join(tree.split[c], "modgw-1", "blog", file), want)
		}
	}
}

func TestWithoutControllersThereIsNoGroup(t *testing.T) {
	tree := plainTree(t, "")
	g, err := tree.Open("modgw-1", "blog", all)
	if g != nil || err != nil {
		t.Errorf("group %+v, %v", g, err)
	}
	if g.Version(Memory) != 0 || g.Unified() != "" || g.ProcessFiles() != nil || g.Usage() != (Usage{}) {
		t.Error("a group that is not there bounds something")
	}
	g.Remove()
	if tree.Means(Memory) != 0 || !tree.Has(Memory) {
		t.Error("a controller that is not enabled can be used, or is not there")
	}
}

func TestUsageIsReadInBothVersions(t *testing.T) {
	tree := plainTree(t, "memory")
	g, err := tree.Open("h", "blog", Limits{Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(g.unified, "memory.current"), "5\n")
	put(t, filepath.Join(g.unified, "memory.peak"), "7\n")
	put(t, filepath.Join(g.unified, "memory.events"), "low 0\noom 3\noom_kill 2\n")
	if u := g.Usage(); u != (Usage{Memory: 5, Peak: 7, OOMKills: 2}) {
		t.Errorf("version 2: %+v", u)
	}
	tree = plainTree(t, "", Memory)
	if g, err = tree.Open("h", "blog", Limits{Memory: 1}); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(g.split[Memory], "memory.usage_in_bytes"), "5\n")
	put(t, filepath.Join(g.split[Memory], "memory.max_usage_in_bytes"), "7\n")
	put(t, filepath.Join(g.split[Memory], "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
	if u := g.Usage(); u != (Usage{Memory: 5, Peak: 7, OOMKills: 2}) {
		t.Errorf("version 1: %+v", u)
	}
}

func TestLimitThatTheKernelRefusesIsNamed(t *testing.T) {
	tree := plainTree(t, "memory")
	put(t, filepath.Join(tree.Unified, "h", "blog", "memory.max", "in the way"), "")
	g, err := tree.Open("h", "blog", Limits{Memory: 4096})
	if g == nil || err == nil || !strings.Contains(err.Error(), "cannot set memory.max to 4096: ") {
		t.Errorf("group %v, %v", g, err)
	}
}

func TestDelegationEnablesControllersAndIsUndone(t *testing.T) {
	tree := plainTree(t, "")
	end := tree.Delegate()
	if end == nil {
		t.Fatal("nothing was delegated")
	}
	wantFile(t, filepath.Join(tree.Unified, "cgroup.subtree_control"), "+cpu +io +memory +pids")
	end()
	wantFile(t, filepath.Join(tree.Unified, "cgroup.subtree_control"), "-cpu -io -memory -pids")
	if tree := plainTree(t, "cpu io memory pids"); tree.Delegate() != nil {
		t.Error("what was enabled before was delegated again")
	}
	if (Tree{}).Delegate() != nil {
		t.Error("delegated without version 2")
	}
}

func TestEmptyGroupsOfAProgramThatRunsStay(t *testing.T) {
	tree := plainTree(t, "", Memory, Processes)
	for _, home := range []string{"modgw-1-2-3", "modgw-1-4-5"} {
		if _, err := tree.Open(home, "blog", Limits{Memory: 1}); err != nil {
			t.Fatal(err)
		}
	}
	// A folder of the kernel's has its files by itself.
	for _, c := range []Controller{Memory, Processes} {
		homes, _ := filepath.Glob(filepath.Join(tree.split[c], "*", "*", "*"))
		for _, file := range homes {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	tree.RemoveStrays("modgw-1-*-*", func(home string) bool { return home == "modgw-1-4-5" })
	for _, c := range []Controller{Memory, Processes} {
		left, err := filepath.Glob(filepath.Join(tree.split[c], "*", "*"))
		if err != nil || len(left) != 1 || left[0] != filepath.Join(tree.split[c], "modgw-1-2-3", "blog") {
			t.Errorf("left of %s: %q %v", c, left, err)
		}
	}
}

func TestGroupThatWasRemovedIsMadeAgainWithItsLimits(t *testing.T) {
	tree := plainTree(t, "", Processes)
	g, err := tree.Open("modgw-1-2-3", "blog", Limits{Processes: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(tree.split[Processes], "modgw-1-2-3")); err != nil {
		t.Fatal(err)
	}
	if err := g.Restore(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(tree.split[Processes], "modgw-1-2-3", "blog", "pids.max"))
	if err != nil || string(text) != "7" {
		t.Errorf("%q %v", text, err)
	}
}
