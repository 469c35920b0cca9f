package python

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

func TestForkedWorkersFailLikeOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"F1 kill idle":           TestF1KillIdleWorkerLosesNothing,
		"F2 kill before head":    TestF2KillBeforeHeadRepeatsOnlyWhatIsSafe,
		"F2 exit code":           TestF2SafeRequestIsRepeatedOnce,
		"F3 kill in body":        TestF3KillInBodyCutsTheResponseOff,
		"F4 crash":               TestF4CrashIsExplained,
		"F5 memory limit":        TestF5MemoryLimitIsFeltByTheAppAlone,
		"F6 stacks":              TestF6StuckInterpreterStillShowsItsStack,
		"F9 exit in handler":     TestF9ExitInHandler,
		"F11 spoiled streams":    TestF11AppMaySpoilItsStreams,
		"F12 grandchildren":      TestF12GrandchildrenHoldNothingUp,
		"F14 closed descriptors": TestF14ClosedDescriptorsAreAWorkersDeath,
		"F16 ignored signals":    TestF16WorkerThatIgnoresSignalsIsKilled,
		"stop":                   TestStopFinishesRequestsFirst,
		"recycling":              TestRecycleReplacesBeforeItRetires,
	} {
		t.Run(name, test)
	}
}

func TestWorkersOutliveTheirTemplate(t *testing.T) {
	t.Parallel()
	a := withTemplate(t, gates+`
def application(environ, start_response):
    return ok(start_response, str(os.getpid()))
`)
	template := a.runner.zygote.Pick()
	if err := syscall.Kill(template.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-template.Done()
	before := a.get("/").body
	if before != itoa(a.pid(1)) {
		t.Errorf("got %q, want the worker %d", before, a.pid(1))
	}
	if err := syscall.Kill(a.pid(1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := a.get("/"); got.status != 200 || got.body == before {
		t.Errorf("got %d %q after %q", got.status, got.body, before)
	}
	a.eventually("reasons", func() bool {
		return a.log.Count("template given up") == 1 && a.log.Count("the template killed by signal 9 (SIGKILL)") == 1
	})
	next := a.again()
	if err := next.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.listen()
	if got := next.get("/"); got.status != 200 || a.log.Count("template given up") != 1 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestTemplateEndsWithItsLastGeneration(t *testing.T) {
	t.Parallel()
	a := withTemplate(t, hello)
	template := a.runner.zygote.Pick()
	a.runner.Stop(t.Context())
	a.stopped = true
	if alive(template.PID()) {
		t.Error("the template lives")
	}
	if left := a.runner.files.Zygotes.Len(); left != 0 {
		t.Errorf("%d zygotes are left", left)
	}
}

func TestManyForkedGenerationsLeaveNothing(t *testing.T) {
	a := withTemplate(t, hello, withWorkers(1, 1))
	files, children := countFiles(t), countChildren(t)
	for range 15 {
		next := a.again()
		if err := next.runner.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if next.tracked()[0].parent == nil {
			t.Fatal("the worker was not forked")
		}
		next.runner.Stop(t.Context())
	}
	if after := countFiles(t); after > files {
		t.Errorf("%d descriptors became %d", files, after)
	}
	if after := countChildren(t); after > children {
		t.Errorf("%d processes became %d", children, after)
	}
	template := a.runner.zygote.Pick().PID()
	if got := strings.Fields(childrenOf(t, template)); len(got) != 1 {
		t.Errorf("the template has the children %v", got)
	}
}

func countFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func countChildren(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, task := range tasks {
		data, _ := os.ReadFile(task) // the thread may have ended
		all += len(strings.Fields(string(data)))
	}
	return all
}

func childrenOf(t *testing.T, pid int) string {
	t.Helper()
	data, err := os.ReadFile("/proc/" + itoa(pid) + "/task/" + itoa(pid) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const hostEnv = "MODGW_TEST_HOST"

// TestActAsHost runs the host that TestTemplateAndWorkersEndWithTheHost kills.
func TestActAsHost(t *testing.T) {
	if os.Getenv(hostEnv) == "" {
		t.Skip("only for another test")
	}
	a := withTemplate(t, hello, withWorkers(2, 1))
	line := "PIDS " + itoa(a.pid(1)) + " " + itoa(a.pid(2)) + " " + itoa(a.runner.zygote.Pick().PID()) + "\n"
	if _, err := os.Stdout.WriteString(line); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done()
}

func TestTemplateAndWorkersEndWithTheHost(t *testing.T) {
	t.Parallel()
	host := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestActAsHost$", "-test.v")
	host.Env = append(os.Environ(), hostEnv+"=1", "TMPDIR="+t.TempDir()) // it cannot tidy up
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []string
	for lines := bufio.NewScanner(out); len(pids) == 0 && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "PIDS "); ok {
			pids = strings.Fields(text)
		}
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // it was killed
	if len(pids) != 3 {
		t.Fatalf("pids %q", pids)
	}
	for _, pid := range pids {
		eventually(t, "end of "+pid, func() bool { return !alive(atoi(t, pid)) })
	}
}

func TestOtherEnvironmentIsAnotherTemplate(t *testing.T) {
	t.Parallel()
	a := prepare(t, hello)
	same, other, env := a.again(), a.again(), a.again()
	other.runner.app.Environment = &modgw.Environment{Interpreter: "/other/bin/python", Dir: "/other"}
	env.runner.app.Descriptor.Env = map[string]string{"DEBUG": "1"}
	set := new(zygote.Set)
	join := func(r *Runner) *zygote.Zygote {
		z := set.Join(r.zygoteApp())
		t.Cleanup(func() { set.Leave(z) })
		return z
	}
	first := join(a.runner)
	if first != join(same.runner) {
		t.Error("two generations of the same have different templates")
	}
	if first == join(other.runner) || first == join(env.runner) {
		t.Error("what differs shares a template")
	}
}
