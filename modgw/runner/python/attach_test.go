package python

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// attachedProcess is a Python process that attaches to an app.
type attachedProcess struct {
	*testing.T
	command *exec.Cmd
	output  *watchtest.Log
}

// serveAttached runs an app without starting its workers.
func serveAttached(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	a := prepare(t, source, append(change, func(d *modgw.Descriptor) { d.Attach = true })...)
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	return a
}

// attach starts a process that attaches to the app.
func (a *app) attach(entry ...string) *attachedProcess {
	a.Helper()
	return a.attachAs(func(command *exec.Cmd) { command.Args = append(command.Args, entry...) })
}

// attachAs starts a process that attaches to the app, after a change to its command.
func (a *app) attachAs(change func(*exec.Cmd)) *attachedProcess {
	a.Helper()
	g := &attachedProcess{T: a.T, output: &watchtest.Log{}}
	g.command = exec.Command(interpreter(a.T), "-m", "modgw_worker", "--attach", a.attachAddress())
	g.command.Env = append(os.Environ(), "PYTHONPATH="+a.runner.files.Dir, "PYTHONDONTWRITEBYTECODE=1")
	g.command.Dir = a.root
	g.command.WaitDelay = 100 * time.Millisecond // a child may keep its output open
	g.command.Stdout, g.command.Stderr = g.output, g.output
	change(g.command)
	if err := g.command.Start(); err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() {
		if g.command.ProcessState == nil {
			g.kill()
		}
		if a.Failed() {
			a.Log(g.output.String())
		}
	})
	return g
}

func (a *app) attachAddress() string { return string(AttachAddress(a.runner.files.State, "hello")) }

// kill ends the process as a debugger does.
func (g *attachedProcess) kill() {
	_ = g.command.Process.Kill()
	_ = g.command.Wait() // it was killed
}

// state returns the status of the only worker.
func (a *app) state() modgw.WorkerStatus { return a.runner.Status().Workers[0] }

func (a *app) awaitState(state string) {
	a.Helper()
	a.eventually(state, func() bool { return a.state().State == state })
}

const tellPID = gates + `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        touch("reached")
        wait("gate")
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("on purpose")
    return ok(start_response, "%d %s" % (os.getpid(), environ["wsgi.multiprocess"]))
`

func TestRequestWaitsForAWorkerToAttach(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	if got := a.state(); got.State != "waiting for a worker" || got.PID != 0 {
		t.Errorf("before: %+v", got)
	}
	early := make(chan answer)
	go func() { early <- a.get("/") }()
	a.eventually("a request waits", func() bool { return a.runner.Status().Queued == 1 })
	g := a.attach()
	want := itoa(g.command.Process.Pid) + " False"
	if got := <-early; got.status != 200 || got.body != want {
		t.Errorf("got %d %q, %v, want %q", got.status, got.body, got.err, want)
	}
	if got := a.state(); got.State != modgw.StateAttached || got.PID != g.command.Process.Pid {
		t.Errorf("attached: %+v", got)
	}
}

func TestWorkerThatDetachesCutsItsRequestsAndTheNextOneServes(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	first := a.attach()
	a.awaitState(modgw.StateAttached)
	for _, method := range []string{"GET", "POST"} {
		cut := make(chan answer)
		go func() { cut <- a.do(method, "/wait", nil) }()
		a.eventually("the breakpoint", func() bool { _, err := os.Stat(a.path("reached")); return err == nil })
		first.kill()
		if got := <-cut; got.status != 502 {
			t.Errorf("%s: got %d %q", method, got.status, got.body)
		}
		a.awaitState("waiting for a worker")
		if err := os.Remove(a.path("reached")); err != nil {
			t.Fatal(err)
		}
		first = a.attach()
		a.awaitState(modgw.StateAttached)
	}
	if got := a.get("/"); got.status != 200 || !strings.HasPrefix(got.body, itoa(first.command.Process.Pid)) {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestAttachedWorkerMayTakeItsTime(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID, func(d *modgw.Descriptor) { d.Timeouts.Request = time.Millisecond })
	a.attach()
	long := make(chan answer)
	go func() { long <- a.get("/wait") }()
	a.eventually("the breakpoint", func() bool { _, err := os.Stat(a.path("reached")); return err == nil })
	if got := a.get("/"); got.status != 200 { // many times the limit later
		t.Errorf("meanwhile: %d %q", got.status, got.body)
	}
	a.open("gate")
	if got := <-long; got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestDebuggerTalksToTheTerminalOfTheWorker(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, gates+`
def application(environ, start_response):
    answer = "nobody"
    breakpoint()
    return ok(start_response, answer)
`)
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typed.Close()
	g := a.attachAs(func(command *exec.Cmd) { command.Stdin = in })
	page := make(chan answer)
	go func() { page <- a.get("/") }()
	a.eventually("the prompt", func() bool { return strings.Contains(g.output.String(), "(Pdb)") })
	if _, err := typed.WriteString("answer = 'a developer'\nc\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-page; got.body != "a developer" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestChildrenOfAnAttachedWorkerDoNotKeepItsPlace(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, gates+`
def application(environ, start_response):
    child = os.fork()
    if not child:
        wait("gate")
        os._exit(0)
    return ok(start_response, str(child))
`)
	g := a.attach()
	got := a.get("/")
	child := atoi(t, got.body)
	g.kill()
	a.awaitState("waiting for a worker")
	if !alive(child) {
		t.Error("the child has ended, so that this shows nothing")
	}
	a.open("gate")
	a.eventually("the child's end", func() bool { return !alive(child) })
}

func TestSecondWorkerIsToldOfTheFirst(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	first := a.attach()
	a.awaitState(modgw.StateAttached)
	second := a.attach()
	if err := second.command.Wait(); err == nil || !strings.Contains(second.output.String(), "process "+itoa(first.command.Process.Pid)+" is attached already") {
		t.Errorf("%v: %s", err, second.output)
	}
	if got := a.get("/"); got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestEntryOnTheCommandLineWins(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	other := strings.ReplaceAll(tellPID, `"%d %s" % (os.getpid(), environ["wsgi.multiprocess"])`, `"the other one"`)
	if err := os.WriteFile(a.path("other.py"), []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	a.attach("other.py")
	if got := a.get("/"); got.body != "the other one" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestExceptionsArePrintedWhereTheWorkerRuns(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	g := a.attach()
	if got := a.get("/fail"); got.status != 500 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	a.eventually("the traceback", func() bool { return strings.Contains(g.output.String(), "ValueError: on purpose") })
	a.eventually("the log", func() bool { return a.log.Count("ValueError: on purpose") > 0 })
}

func TestBrokenAppLeavesThePlaceFree(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	if err := os.WriteFile(a.path("broken.py"), []byte("import nowhere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := a.attach("broken:application")
	if err := broken.command.Wait(); err == nil || !strings.Contains(broken.output.String(), "No module named 'nowhere'") {
		t.Errorf("%v: %s", err, broken.output)
	}
	a.awaitState("waiting for a worker")
	if a.log.Count("code=MGW-APP-001") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-001") {
		t.Error("the log does not tell why")
	}
	a.attach()
	if got := a.get("/"); got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestInterruptEndsAnAttachedWorker(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	g := a.attach()
	a.awaitState(modgw.StateAttached)
	if err := g.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = g.command.Wait(); g.command.ProcessState.ExitCode() != 130 {
		t.Errorf("%v: %s", g.command.ProcessState, g.output)
	}
	a.awaitState("waiting for a worker")
	if a.log.Count("worker detached") != 1 {
		t.Error("the log does not tell")
	}
}

func TestRequestThatNobodyAttachesForIsRefused(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID, func(d *modgw.Descriptor) { d.Queue.Timeout = time.Millisecond })
	if got := a.get("/"); got.status != 503 || a.log.Count("code=MGW-APP-204") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-204") {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestAttachedWorkerMovesToTheNextGeneration(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	g := a.attach()
	a.awaitState(modgw.StateAttached)
	next, err := New(a.runner.app.RunnerConfig, a.runner.files)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := a.runner
	a.runner = next // which listen stops
	old.Stop(t.Context())
	a.awaitState(modgw.StateAttached)
	if got := a.get("/"); !strings.HasPrefix(got.body, itoa(g.command.Process.Pid)) {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestStopDoesNotWaitForABreakpoint(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID, func(d *modgw.Descriptor) { d.Timeouts.Stop = 10 * time.Millisecond })
	g := a.attach()
	cut := make(chan answer)
	go func() { cut <- a.get("/wait") }()
	a.eventually("the breakpoint", func() bool { _, err := os.Stat(a.path("reached")); return err == nil })
	a.runner.Stop(t.Context())
	a.stopped = true
	if got := <-cut; got.status != 502 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if !alive(g.command.Process.Pid) {
		t.Error("the debugger's process was ended")
	}
	if _, err := os.Stat(strings.TrimPrefix(a.attachAddress(), "unix:")); err == nil {
		t.Error("the socket is left")
	}
}

func TestGarbageOnTheSocketHarmsNobody(t *testing.T) {
	t.Parallel()
	a := serveAttached(t, tellPID)
	for _, garbage := range []string{"", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 4096), "\x00\x00\x00\x00\x07\x00\x00\x00\x0e\x00\x00\x00"} {
		conn, err := net.Dial("unix", strings.TrimPrefix(a.attachAddress(), "unix:"))
		if err != nil {
			t.Fatal(err)
		}
		a.awaitState("starting")
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		if garbage == "" {
			conn.Close()
		}
		a.awaitState("waiting for a worker")
		conn.Close()
	}
	a.attach()
	if got := a.get("/"); got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}
