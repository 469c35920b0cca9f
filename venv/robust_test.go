package venv

import (
	"bufio"
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// Whenever a host is killed during a build, even together with all processes that it started, the
// next build is right.
func TestBuildThatIsKilledAtAnyMomentIsDoneAgain(t *testing.T) {
	t.Parallel()
	for i, step := range killSteps() {
		s := newSite(t)
		s.wheel("tiny", "1.0", nil, nil)
		s.wheel("second", "1.0", []string{"tiny"}, map[string]string{"second/data": strings.Repeat("x", 1<<20)})
		s.write("requirements.txt", "second\n")
		if i < 2 {
			s.addUV() // the last two steps are pip's
		}
		delay := time.Duration(rand.IntN(400)) * time.Millisecond
		group := i%2 == rand.IntN(2)
		last := s.killBuild(step, delay, group)
		t.Logf("killed %v after %q, with its group: %v", delay, last, group)
		if i > 2 {
			s.addUV() // the builder is not a part of the environment's identity
		}
		env := s.mustBuild(s.descriptor())
		if got := run(t, env, "import tiny, second; print(second.__version__)"); got != "1.0" || names(env) != "second tiny" {
			t.Errorf("got %q, packages %q", got, names(env))
		}
		if got := s.environments(); len(got) != 1 {
			t.Errorf("environments %v", got)
		}
	}
}

// killSteps returns the beginnings of the steps after which builds are killed.
func killSteps() []string {
	if testing.Short() {
		return []string{"installing"}
	}
	return []string{"finding", "creating", "installing", "Installing collected", "Successfully"}
}

// killBuild starts a process that builds, and kills it a delay after it has printed a line that
// begins with step. It returns the last line printed. With group, it kills the whole process group.
func (s *site) killBuild(step string, delay time.Duration, group bool) string {
	s.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(s.environ, builderVariable+"="+s.state+":"+s.root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(out); !strings.HasPrefix(last, step) && lines.Scan(); {
		last = lines.Text()
	}
	select {
	case <-time.After(delay): // a different moment in every run
	case <-s.t.Context().Done():
	}
	if group {
		s.killTree(cmd.Process.Pid)
	}
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()
	return last
}

// killTree kills the process groups of the children of a process.
func (s *site) killTree(pid int) {
	s.t.Helper()
	tasks, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/children"))
	for _, task := range tasks {
		children, _ := os.ReadFile(task) // the thread may have ended
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				_ = killGroup(n)
			}
		}
	}
}

// A program that leaves its process group and keeps the output open does not hold up the build, and
// ends with it.
func TestDaemonThatKeepsTheOutputHoldsUpNothing(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pid")
	var l lines
	var log bytes.Buffer
	p := process{dir: "/", args: []string{"/bin/sh", "-c", "setsid sleep 600 & echo $! > " + pids +
		"; until grep -q sleep /proc/$!/comm; do :; done; echo built"}}
	lock, err := acquire(t.Context(), filepath.Join(t.TempDir(), "x.lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.lock, p.log = lock, slog.New(slog.NewTextHandler(&log, nil))
	err = p.run(t.Context(), &l)
	if l.tail() != "built" || err != nil {
		t.Errorf("%q, %v", l.tail(), err)
	}
	release(lock)
	again, err := tryLock(lock.Name(), 2, 0)
	if err != nil {
		t.Errorf("the daemon has the lock: %v", err)
	} else {
		release(again)
	}
	pid, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "end of the daemon", func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)))
		return os.IsNotExist(err)
	})
	if text := log.String(); !strings.Contains(text, `ended processes that were left behind" count=1 names=sleep`) {
		t.Errorf("the log does not name it: %q", text)
	}
}

func TestUmaskOfTheHostDoesNotLockAppsOut(t *testing.T) {
	s, d, _ := ownedSite(t)
	s.addUV()
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	old := syscall.Umask(0o077)
	env, err := s.build(d)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := Command(env, d, []string{"python", "-c", "import tiny; print(tiny.__version__)"})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); strings.TrimSpace(string(out)) != "1.0" || err != nil {
		t.Errorf("%s, %v", out, err)
	}
}

// The files of an environment stay on the disk when its interpreter is upgraded, so that running
// processes continue.
func TestUpgradedInterpreterLeavesTheOldEnvironment(t *testing.T) {
	s := newSite(t)
	real, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skip(err)
	}
	python := toolFolder{t, s.root}.program("python", "exec "+real+` "$@"`)
	d := s.descriptor()
	d.Python = modgw.Python{Version: python}
	old, err := s.build(d)
	if err != nil {
		t.Skip(err)
	}
	worker := exec.Command(old.Interpreter, "-c", "import sys; print('up', flush=True); sys.stdin.read(); import wave; print('on', flush=True)")
	in, err := worker.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	if err := os.Remove(python); err != nil {
		t.Fatal(err)
	}
	f := s.mustFail(d, "MGW-ENV-002")
	if want := `interpreter "` + python + `" not found (was CPython 3.`; !strings.Contains(f.Error(), want) {
		t.Errorf("want %s in %v", want, f)
	}
	in.Close()
	if lines.Scan(); lines.Text() != "on" {
		t.Errorf("the running worker said %q", lines.Text())
	}
	if err := worker.Wait(); err != nil {
		t.Error(err)
	}
}

// Two hosts that want the same environment at the same time build it once.
func TestTwoHostsBuildOneEnvironmentOnce(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	var hosts [2]*exec.Cmd
	var said [2]strings.Builder
	for i := range hosts {
		hosts[i] = exec.Command(os.Args[0])
		hosts[i].Env = append(s.environ, builderVariable+"="+s.state+":"+s.root)
		hosts[i].Stdout = &said[i]
		if err := hosts[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	created := 0
	for i, host := range hosts {
		if err := host.Wait(); err != nil || !strings.Contains(said[i].String(), "done true") {
			t.Errorf("%v\n%s", err, said[i].String())
		}
		created += strings.Count(said[i].String(), "creating the environment")
	}
	if created != 1 || len(s.environments()) != 1 {
		t.Errorf("created %d times, environments %v", created, s.environments())
	}
}
