package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/watchtest"
)

func TestMain(m *testing.M) {
	if err := Seal(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// printed collects lines.
type printed struct {
	mu    sync.Mutex
	lines []Line
}

func (p *printed) add(l Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, l)
}

func (p *printed) text(stream string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, l := range p.lines {
		if l.Stream == stream {
			fmt.Fprintf(&b, "%s|", l.Text)
		}
	}
	return b.String()
}

// sh starts a shell script.
func sh(t *testing.T, script string, change ...func(*Spec)) (*Process, *printed) {
	t.Helper()
	out := &printed{}
	spec := Spec{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin", "A=b"},
		Output: Output{Line: out.add},
	}
	for _, f := range change {
		f(&spec)
	}
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); <-p.Done() })
	return p, out
}

func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(data), ") Z ")
}

func TestExitIsExplained(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":        "exited with code 0",
		"exit 3":        "exited with code 3",
		"kill -KILL $$": "killed by signal 9 (SIGKILL)",
		"kill -SEGV $$": "killed by signal 11 (SIGSEGV)",
		"kill -TERM $$": "killed by signal 15 (SIGTERM)",
	} {
		p, _ := sh(t, script)
		if got := strings.TrimSuffix(p.Exit().String(), ", core dumped"); got != want {
			t.Errorf("%s: %s", script, got)
		}
	}
}

func TestProcessSeesExactlyWhatItIsGiven(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "x")
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, out := sh(t, "pwd; echo to-file >&3; cat; tr '\\0' '\\n' </proc/$$/environ | sort; cd /proc/$$/fd; echo *", func(s *Spec) {
		s.Dir, s.Files, s.Lifeline = dir, []*os.File{f}, true
	})
	<-p.Done()
	// 5 is the folder that the shell lists
	if got, want := out.text("stdout"), dir+"|A=b|PATH=/usr/bin:/bin|0 1 2 3 4 5|"; got != want {
		t.Errorf("got %s, want %s, stderr %s", got, want, out.text("stderr"))
	}
	if data, err := os.ReadFile(f.Name()); string(data) != "to-file\n" {
		t.Errorf("file has %q, %v", data, err)
	}
}

func TestTerminateAsksBeforeItKills(t *testing.T) {
	p, out := sh(t, "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.01; done")
	watchtest.Eventually(t, "start", func() bool { return out.text("stdout") == "up|" })
	p.Terminate(30 * time.Second)
	if got := p.Exit(); got.Code != 7 || got.Cause != ByItself || out.text("stdout") != "up|asked|" {
		t.Errorf("%v, printed %q", got, out.text("stdout"))
	}

	p, out = sh(t, "trap '' TERM; echo up; while :; do sleep 0.01; done")
	watchtest.Eventually(t, "start", func() bool { return out.text("stdout") == "up|" })
	p.Terminate(50 * time.Millisecond)
	if got := p.Exit(); got.Signal != syscall.SIGKILL || got.Cause != Killed {
		t.Errorf("%v", got)
	}
	p.Signal(syscall.SIGTERM) // of a process that has ended: none gets it
}

func TestNothingOfTheGroupIsLeft(t *testing.T) {
	p, out := sh(t, "sleep 3600 & echo $!; exit 0")
	<-p.Done()
	child, err := strconv.Atoi(strings.Trim(out.text("stdout"), "|"))
	if err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "end of the child", func() bool { return !alive(child) })
}

func TestPipesHeldByOthersHoldNothingUp(t *testing.T) {
	p, out := sh(t, "setsid sleep 3600 & echo $!; exit 0")
	<-p.Done()
	child, err := strconv.Atoi(strings.Trim(out.text("stdout"), "|"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil && alive(child) {
		t.Error(err)
	}
}

func TestLimitsApply(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, out := sh(t, "read x <&3; ulimit -n; ulimit -d; cat /proc/$$/oom_score_adj", func(s *Spec) {
		s.Files = []*os.File{r}
		s.Limits = Limits{Files: 77, Memory: 64 << 20, OOMScore: 900}
	})
	w.Close() // it can continue now
	<-p.Done()
	if got := out.text("stdout"); got != "77|65536|900|" {
		t.Errorf("got %s", got)
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	_, err := Start(Spec{Path: "/no/such/program"})
	if err == nil || !strings.Contains(err.Error(), `cannot start "/no/such/program"`) || !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("got %v", err)
	}
}

func unwrapAll(err error) error {
	for {
		next, ok := err.(interface{ Unwrap() error })
		if !ok || next.Unwrap() == nil {
			return err
		}
		err = next.Unwrap()
	}
}

func TestManyProcessesLeaveNothing(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	run := func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				p, err := Start(Spec{Path: "/bin/true", Lifeline: true})
				if err != nil {
					t.Error(err)
					return
				}
				<-p.Done()
			})
		}
		all.Wait()
	}
	run() // the runtime's own descriptors are made
	before := count()
	run()
	if after := count(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestLifelineEndsTheGroupWithItsHost(t *testing.T) { endsWithItsHost(t, hostOfLifeline) }

func TestLeashEndsAProgramThatKnowsNothingOfIt(t *testing.T) { endsWithItsHost(t, hostOfLeash) }

// TestLeashThatHasClosedLetsNoProgramRun is about a host that was killed right after the start.
func TestLeashThatHasClosedLetsNoProgramRun(t *testing.T) {
	leash, host, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer leash.Close()
	host.Close()
	ran := filepath.Join(t.TempDir(), "ran")
	cmd := exec.Command("/usr/bin/touch", ran)
	cmd.ExtraFiles = []*os.File{leash}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := (Launch{Leash: true}).Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it has succeeded")
	}
	if _, err := os.Stat(ran); !os.IsNotExist(err) {
		t.Errorf("the program ran: %v", err)
	}
}

// endsWithItsHost runs the test again in a separate process, in which host starts a process that
// writes its PID into a file. It checks that the latter process ends when the former is killed.
func endsWithItsHost(t *testing.T, host func(pidFile string)) {
	if file := os.Getenv("PROC_TEST_HOST"); file != "" {
		host(file)
		return
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process, err := Start(Spec{
		Path: exe, Args: []string{"-test.run=^" + t.Name() + "$"},
		Env: []string{"PROC_TEST_HOST=" + pidFile, "PATH=" + os.Getenv("PATH")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	watchtest.Eventually(t, "pid of the worker", func() bool {
		data, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		return pid != 0 || closed(process.Done())
	})
	if pid == 0 {
		t.Skip("no python3 here")
	}
	if !alive(pid) {
		t.Error("it did not live to begin with")
	}
	process.Kill() // it has no chance to clean up
	<-process.Done()
	watchtest.Eventually(t, "end of the worker", func() bool { return !alive(pid) })
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// hostOfLifeline starts a process that arms its lifeline and then hangs.
func hostOfLifeline(pidFile string) {
	p, err := Start(Spec{
		Path: "/usr/bin/env", Args: []string{"python3", "-c", `
import fcntl, os, sys, time
fcntl.fcntl(3, fcntl.F_SETOWN, -os.getpgrp())
fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)
open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(3600)
`, pidFile},
		Env: []string{"PATH=" + os.Getenv("PATH")}, Lifeline: true,
	})
	if err == nil {
		<-p.Done()
	}
}

// hostOfLeash starts a process that ignores all signals that it can ignore.
func hostOfLeash(pidFile string) {
	p, err := Start(Spec{
		Path: "/bin/sh", Args: []string{"-c", `trap "" TERM INT HUP IO; echo $$ >"$0.new"; mv "$0.new" "$0"; sleep 3600; :`, pidFile},
		Env: []string{"PATH=" + os.Getenv("PATH")}, Leash: true,
	})
	if err == nil {
		<-p.Done()
	}
}

func TestOutputMayGoElsewhere(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := Start(Spec{Path: "/bin/echo", Args: []string{"hello"}, Stdout: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got, err := io.ReadAll(r); string(got) != "hello\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// asNobody returns a change of a Spec that runs the process as a user who owns no files.
func asNobody(t *testing.T) func(*Spec) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	return func(s *Spec) { s.Credential = &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{12345}} }
}

func TestLimitedProcessBecomesItsUser(t *testing.T) {
	p, out := sh(t, "ulimit -n; ulimit -Hn; ulimit -d; id -u; id -g; id -G; pwd; echo $0 $A; ls /proc/self/fd | wc -l", asNobody(t), func(s *Spec) {
		s.Dir, s.Args = "/proc", append(s.Args, "name")
		s.Limits = Limits{Files: 77, Memory: 64 << 20, Processes: 10000}
	})
	<-p.Done()
	// ls has the three standard streams and the folder.
	if got := out.text("stdout"); got != "77|77|65536|65534|65534|65534 12345|/proc|name b|4|" {
		t.Errorf("got %s, %s", got, out.text("stderr"))
	}
}

func TestLimitThatCannotBeSetIsNamed(t *testing.T) {
	// The kernel's own limit, fs.nr_open, is for root as well.
	_, err := Start(Spec{Path: "/bin/true", Limits: Limits{Files: 1 << 40}})
	limit, ok := errors.AsType[*LimitError](err)
	if !ok || limit.Name != "files" || limit.Value != 1<<40 || !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v", err)
	}
}

func TestProgramThatALimitedProcessCannotRunIsNamed(t *testing.T) {
	limits := Limits{Files: 100}
	for path, want := range map[string]error{"/no/such/program": os.ErrNotExist, "/etc/passwd": os.ErrPermission} {
		_, err := Start(Spec{Path: path, Limits: limits})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	_, err := Start(Spec{Path: "/bin/true", Dir: "/no/such/folder", Limits: limits})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "working directory") {
		t.Errorf("got %v", err)
	}
}

// TestUserWithTooManyProcessesStartsNone covers a mistake that mod_wsgi once made: a failing
// setuid(2) left the process running as root.
func TestUserWithTooManyProcessesStartsNone(t *testing.T) {
	const spare = 54321 // an id that no process has
	unprivileged := asNobody(t)
	user := func(s *Spec) {
		unprivileged(s)
		s.Credential.Uid = spare
	}
	first, _ := sh(t, "sleep 3600 & exec sleep 3600", user)
	watchtest.Eventually(t, "processes of the user", func() bool { return processesOf(t, spare) == 2 })
	spec := Spec{Path: "/bin/sh", Args: []string{"-c", "id -u"}, Env: []string{"PATH=/usr/bin:/bin"}, Limits: Limits{Processes: 1}}
	user(&spec)
	p, err := Start(spec)
	if err == nil {
		p.Kill()
		t.Fatalf("a process runs: %v", p.Exit())
	}
	if !errors.Is(err, syscall.EAGAIN) || !strings.Contains(err.Error(), "the user has too many processes") {
		t.Errorf("got %v", err)
	}
	first.Kill()
	<-first.Done()
	p, err = Start(spec)
	if err != nil {
		t.Fatalf("with room for it: %v", err)
	}
	<-p.Done()
}

func TestForkBombIsBounded(t *testing.T) {
	const spare = 54322
	unprivileged := asNobody(t)
	user := func(s *Spec) {
		unprivileged(s)
		s.Credential.Uid = spare
	}
	const most = 30
	bomb, out := sh(t, "bomb() { bomb & bomb & wait; }; bomb", user, func(s *Spec) { s.Limits = Limits{Processes: most} })
	watchtest.Eventually(t, "limit", func() bool { return strings.Contains(out.text("stderr"), "fork") })
	if n := processesOf(t, spare); n > most {
		t.Errorf("there are %d processes", n)
	}
	other, said := sh(t, "echo fine", unprivileged)
	<-other.Done()
	if got := said.text("stdout"); got != "fine|" {
		t.Errorf("another user's program printed %q", got)
	}
	bomb.Kill()
	<-bomb.Done()
	watchtest.Eventually(t, "end of all", func() bool { return processesOf(t, spare) == 0 })
}

// processesOf counts the processes of a user.
func processesOf(t *testing.T, uid uint32) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && alive(pid) {
			info, err := os.Stat("/proc/" + e.Name())
			if err == nil && info.Sys().(*syscall.Stat_t).Uid == uid {
				n++
			}
		}
	}
	return n
}

func TestStreamsCanBeOpenedByName(t *testing.T) {
	p, out := sh(t, "echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin", asNobody(t), func(s *Spec) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		s.Stdin = r
		if _, err := w.WriteString("in\n"); err != nil {
			t.Fatal(err)
		}
		w.Close()
	})
	<-p.Done()
	if out.text("stdout") != "out|in|" || out.text("stderr") != "err|" {
		t.Errorf("got %q and %q", out.text("stdout"), out.text("stderr"))
	}
}
