package venv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

func TestFailedInstallationSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		requirements string
		code, output string
	}{
		{"misspelt name", "tinny\n", "MGW-ENV-011", "No matching distribution found for tinny"},
		{"version that does not exist", "tiny==7\n", "MGW-ENV-011", "from versions: 1.0, 2.0"},
		{"conflict", "tiny==2.0\nneedsold\n", "MGW-ENV-011", "needsold 1.0 depends on tiny==1.0"},
		{"hash that does not match", "tiny==1.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n", "MGW-ENV-014", "Expected sha256"},
		{"hash that is missing", "needsold==1.0\ntiny==1.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n", "MGW-ENV-014", "needsold==1.0"},
		{"not a requirement", "tiny = 1\n", "MGW-ENV-006", "tiny = 1"},
		{"build that fails", "broken\n", "MGW-ENV-019", "the compiler is on holiday"},
		{"build that is killed", "killed\n", "MGW-ENV-020", ""},
		{"build whose pip is killed", "orphaned\n", "MGW-ENV-020", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.wheel("tiny", "1.0", nil, nil)
			s.wheel("tiny", "2.0", nil, nil)
			s.wheel("needsold", "1.0", []string{"tiny==1.0"}, nil)
			s.sdist("broken", "1.0", "import sys\nprint('\x1b[31mthe compiler is on holiday\\a')\nsys.exit(3)\n")
			s.sdist("killed", "1.0", "import os\nos.killpg(0, 9)\n")
			s.sdist("orphaned", "1.0", "import os\nos.kill(os.getppid(), 9)\n")
			s.write("requirements.txt", c.requirements)
			f := s.mustFail(s.descriptor(), c.code)
			if !strings.Contains(f.Output, c.output) {
				t.Errorf("the output does not say %q:\n%v", c.output, f)
			}
			if strings.ContainsAny(f.Output, "\x1b\a\r") {
				t.Errorf("control characters got through: %q", f.Output)
			}
			if f.Hint == "" {
				t.Errorf("no hint:\n%v", f)
			}
			if got := s.environments(); len(got) != 0 {
				t.Errorf("environments %v were kept", got)
			}
		})
	}
}

func TestFailedBuildLeavesTheOldEnvironment(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	good := s.mustBuild(s.descriptor())
	s.write("requirements.txt", "tiny\ntinny\n")
	s.mustFail(s.descriptor(), "MGW-ENV-011")
	if got := s.environments(); len(got) != 1 || got[0] != filepath.Base(good.Dir) {
		t.Errorf("environments %v, want %s", got, good.ID)
	}
	s.write("requirements.txt", "tiny\n")
	if again := s.mustBuild(s.descriptor()); again.ID != good.ID || again.Took != 0 {
		t.Errorf("got %+v", again)
	}
}

func TestUnreachableIndexIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	s.environ = append(s.environ[:3], "PIP_INDEX_URL=http://"+closed+"/simple", "PIP_CONFIG_FILE=/dev/null", "PIP_RETRIES=1")
	s.write("requirements.txt", "tiny\n")
	s.mustFail(s.descriptor(), "MGW-ENV-012")
}

func TestFullDiskIsTold(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := newSite(t)
	s.wheel("big", "1.0", nil, map[string]string{"big.bin": strings.Repeat("x", 5<<20)})
	s.write("requirements.txt", "big\n")
	if err := os.Mkdir(s.state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", s.state, "tmpfs", 0, "size=2m,mode=0755"); err != nil {
		t.Skip("cannot mount a small file system: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(s.state, 0); err != nil {
			t.Error(err)
		}
	})
	s.mustFail(s.descriptor(), "MGW-ENV-013")
	if got := s.environments(); len(got) != 0 {
		t.Errorf("environments %v were kept", got)
	}
}

// A build that is given up is ended together with all processes that it started.
func TestBuildGetsNoMoreMemoryThanItMayHave(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sdist("greedy", "1.0", "x = b'x' * (1 << 30)\n")
	s.write("requirements.txt", "greedy\n")
	d := s.descriptor()
	d.Limits.BuildMemory = 256 << 20
	f := s.mustFail(d, "MGW-ENV-032")
	if !strings.Contains(f.Output, "MemoryError") || !strings.Contains(f.Hint, "256 MiB") {
		t.Errorf("got %v", f)
	}
	d = frontend(s, "exec python3 -c 'x = b\"x\" * (1 << 30)'")
	d.Limits.BuildMemory = 256 << 20
	s.mustFail(d, "MGW-ENV-032")
}

func TestCancelledBuildLeavesNoProcess(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	pids := filepath.Join(s.root, "pids")
	s.sdist("slow", "1.0", fmt.Sprintf(`
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
with open(%[1]q + ".new", "w") as f:
    f.write("%%d %%d" %% (os.getpid(), child.pid))
os.rename(%[1]q + ".new", %[1]q)
while True: time.sleep(60)
`, pids))
	s.write("requirements.txt", "slow\n")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.builder().Build(ctx, s.descriptor(), nil)
		done <- err
	}()
	watchtest.Eventually(t, "the build of the package", func() bool { _, err := os.Stat(pids); return err == nil })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	data, _ := os.ReadFile(pids)
	for _, pid := range strings.Fields(string(data)) {
		watchtest.Eventually(t, "the end of process "+pid, func() bool { return !alive(pid) })
	}
	if got := s.environments(); len(got) != 0 {
		t.Errorf("environments %v were kept", got)
	}
}

// alive reports whether a process runs; one that has ended and waits to be reaped does not.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// A package's setup must not leave a process behind either when all goes well.
func TestBuildLeavesNoProcessBehind(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	pids := filepath.Join(s.root, "pids")
	s.sdist("daemon", "1.0", fmt.Sprintf(`
import subprocess
child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
with open(%q, "w") as f:
    f.write(str(child.pid))
raise SystemExit("done")
`, pids))
	s.write("requirements.txt", "daemon\n")
	s.mustFail(s.descriptor(), "MGW-ENV-019")
	data, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "the end of the daemon", func() bool { return !alive(string(data)) })
}

func TestBuildSeesNothingOfTheHost(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.environ = append(s.environ, "SECRET_KEY=hush", "PYTHONPATH=/nonsense", "PYTHONHOME=/nonsense", "VIRTUAL_ENV=/nonsense",
		"PIP_TARGET=/nonsense", "PIP_REQUIRE_VIRTUALENV=1", "LD_PRELOAD=/nonsense.so")
	s.sdist("nosy", "1.0", "import os, sys\nprint(sorted(os.environ.items()))\nsys.exit(3)\n")
	s.write("requirements.txt", "nosy\n")
	f := s.mustFail(s.descriptor(), "MGW-ENV-019")
	for _, word := range []string{"hush", "/nonsense'", "PIP_REQUIRE_VIRTUALENV"} {
		if strings.Contains(f.Output, word) {
			t.Errorf("the build saw %s:\n%s", word, f.Output)
		}
	}
	for _, word := range []string{"/.modgw-build/home", "/.modgw-build/tmp", "PIP_FIND_LINKS"} {
		if !strings.Contains(f.Output, word) {
			t.Errorf("the build did not see %s:\n%s", word, f.Output)
		}
	}
}

func TestUnusableStateFolderIsTold(t *testing.T) {
	s := newSite(t)
	if err := os.WriteFile(s.state, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.mustFail(s.descriptor(), "MGW-ENV-016")
	if err := errors.Join(os.Remove(s.state), os.MkdirAll(filepath.Join(s.state, "envs"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(s.state, "envs"), 0o777); err != nil {
		t.Fatal(err)
	}
	f := s.mustFail(s.descriptor(), "MGW-ENV-016")
	if !strings.Contains(f.Error(), "mode 0777") {
		t.Errorf("the mode is not named: %v", f)
	}
}

func TestUnsuitablePackagesAreRefused(t *testing.T) {
	s := newSite(t)
	for _, p := range []string{"", " ", "--target=/etc", "-r other.txt", "tiny\n--index-url=http://evil"} {
		d := s.descriptor()
		d.Python = modgw.Python{Packages: []string{p}}
		s.mustFail(d, "MGW-ENV-006")
	}
}

// The usual way to have setuptools and an app whose code belongs to a user other than its own.
func TestProjectThatMayNotBeWrittenToIsTold(t *testing.T) {
	t.Parallel()
	s, d, _ := ownedSite(t)
	s.addUV()
	s.wheel("tiny", "1.0", nil, nil)
	s.write("backend.py", "import sys\nprint(\"error: could not create 'x.egg-info': Permission denied\")\nsys.exit(1)\n")
	s.write("pyproject.toml", packaged)
	if f := s.mustFail(d, "MGW-ENV-019"); !strings.Contains(f.Hint, "hatchling") {
		t.Errorf("got %v", f)
	}
}
