package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/watchtest"
)

// bounded creates a scope with limits, and skips the test if the controller is not available.
func bounded(t *testing.T, app string, c cgroup.Controller, limits cgroup.Limits) *Scope {
	t.Helper()
	scope, err := NewScope(app, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { scope.Kill() })
	if scope.Version(c) == 0 {
		t.Skipf("this process cannot use controller %s", c)
	}
	return scope
}

func TestKernelEndsWhatTakesMoreMemoryThanItsAppMayHave(t *testing.T) {
	first := bounded(t, "eater", cgroup.Memory, cgroup.Limits{Memory: 56 << 20})
	second, err := NewScope("eater", cgroup.Limits{Memory: 52 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Kill()
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("there is no perl")
	}
	// Each process alone fits into the limit, but not both together.
	eat := `exec perl -e '$| = 1; $x = "x"; $x x= 30_000_000; print "full\n"; sleep 3600'`
	a, out := sh(t, eat, func(s *Spec) { s.Scope = first })
	watchtest.Eventually(t, "memory of the first", func() bool { return strings.Contains(out.text("stdout"), "full") })
	b, _ := sh(t, eat, func(s *Spec) { s.Scope = second })
	ended := a
	select {
	case <-a.Done():
	case <-b.Done():
		ended = b
	}
	exit := ended.Exit()
	if exit.Signal != syscall.SIGKILL || exit.Cause != OutOfMemory || exit.Peak < 30<<20 {
		t.Errorf("exit %+v: %s", exit, exit)
	}
}

func TestAppHasNoMoreProcessesThanItMay(t *testing.T) {
	scope := bounded(t, "forker", cgroup.Processes, cgroup.Limits{Processes: 10})
	p, out := sh(t, `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 3600 & done; echo all`, func(s *Spec) { s.Scope = scope })
	<-p.Done()
	if strings.Contains(out.text("stdout"), "all") {
		t.Error("twelve processes were started where ten are allowed")
	}
}

func TestGroupOfAnAppGoesWithItsLastScope(t *testing.T) {
	first := bounded(t, "comes", cgroup.CPU, cgroup.Limits{CPU: 0.5})
	second, err := NewScope("comes", cgroup.Limits{CPU: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := sh(t, "sleep 3600", func(s *Spec) { s.Scope = second })
	var folders []string
	for _, file := range second.in.ProcessFiles() {
		folders = append(folders, filepath.Dir(file))
	}
	if inside := second.in.Unified(); inside != "" {
		folders = append(folders, inside)
	}
	first.Kill()
	if !alive(p.PID()) {
		t.Error("the end of one scope killed a process of the other")
	}
	second.Kill()
	for _, folder := range folders {
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", folder, err)
		}
	}
	<-p.Done()
}
