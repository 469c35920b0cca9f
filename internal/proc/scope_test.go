package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/watchtest"
)

// scopes returns a scope of each kind that is available here.
func scopes(t *testing.T) map[string]*Scope {
	t.Helper()
	all := map[string]*Scope{"mark": {mark: "of-" + strings.ReplaceAll(t.Name(), "/", "-")}}
	if err := CheckCgroups(); err != nil {
		t.Log("without cgroups: ", err)
		return all
	}
	all["cgroup"], _ = NewScope("", cgroup.Limits{})
	return all
}

// setsid starts a program that leaves another one behind, in its own session, and returns the PID
// of the other one.
func setsid(t *testing.T, scope *Scope, change ...func(*Spec)) int {
	t.Helper()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid(1)")
	}
	p, out := sh(t, "setsid sleep 3600 >/dev/null 2>&1 & echo $!; wait $!; exit 0",
		append(change, func(s *Spec) { s.Scope = scope })...)
	watchtest.Eventually(t, "pid", func() bool { return strings.HasSuffix(out.text("stdout"), "|") })
	child, err := strconv.Atoi(strings.Trim(out.text("stdout"), "|"))
	if err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "session of its own", func() bool {
		_, fields := statOf(child)
		return len(fields) > 2 && fields[2] == strconv.Itoa(child) && nameOf(child) == "sleep"
	})
	p.Kill()
	<-p.Done()
	if !alive(child) {
		t.Fatal("the child did not leave the group")
	}
	return child
}

func TestNothingOfAScopeIsLeft(t *testing.T) {
	for kind, scope := range scopes(t) {
		t.Run(kind, func(t *testing.T) {
			limited := func(s *Spec) { s.Limits.Files = 100 }
			first, second := setsid(t, scope), setsid(t, scope, limited)
			other := &Scope{mark: "another"}
			stays := setsid(t, other)
			if names := scope.Kill(); !slices.Equal(names, []string{"sleep", "sleep"}) {
				t.Errorf("it ended %q", names)
			}
			for _, pid := range []int{first, second} {
				watchtest.Eventually(t, "end of what was left behind", func() bool { return !alive(pid) })
			}
			if !alive(stays) {
				t.Error("a process of another scope was killed")
			}
			if names := other.Kill(); !slices.Equal(names, []string{"sleep"}) {
				t.Errorf("the other ended %q", names)
			}
			watchtest.Eventually(t, "end of the other", func() bool { return !alive(stays) })
			if scope.folder != nil {
				if _, err := os.Stat(scope.folder.Name()); !os.IsNotExist(err) {
					t.Errorf("its cgroup is left: %v", err)
				}
			}
		})
	}
}

func TestCgroupsOfAProgramThatWasKilledAreCleared(t *testing.T) {
	if err := CheckCgroups(); err != nil {
		t.Skip("there are no cgroups here: ", err)
	}
	tree, err := ownTree()
	if err != nil {
		t.Fatal(err)
	}
	own := tree.Unified
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	namespace, err := pidNamespace()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := makeCgroup(filepath.Join(own, homeNameOf(namespace, ended.Process.Pid, "1")))
	if err != nil {
		t.Fatal(err)
	}
	left := setsid(t, &Scope{folder: folder})
	elsewhere, err := makeCgroup(filepath.Join(own, homeNameOf(namespace+1, ended.Process.Pid, "1")))
	if err != nil {
		t.Fatal(err)
	}
	theirs := &Scope{folder: elsewhere}
	stays := setsid(t, theirs)
	endStrays(own, namespace)
	if !alive(stays) {
		t.Error("a process of another PID namespace was killed, where a process with that number may run")
	}
	theirs.Kill()
	watchtest.Eventually(t, "end of the other", func() bool { return !alive(stays) })
	watchtest.Eventually(t, "end of what was left behind", func() bool { return !alive(left) })
	if _, err := os.Stat(folder.Name()); !os.IsNotExist(err) {
		t.Errorf("the cgroup is left: %v", err)
	}
	folder.Close()
}

func TestProcessStartsThoughItsCgroupWasRemoved(t *testing.T) {
	scope := scopes(t)["cgroup"]
	if scope == nil {
		t.Skip("without cgroups")
	}
	if err := os.Remove(scope.folder.Name()); err != nil {
		t.Fatal(err)
	}
	child := setsid(t, scope)
	scope.Kill()
	watchtest.Eventually(t, "end of what was left behind", func() bool { return !alive(child) })
}
