package python

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// gates is the beginning of apps that tests hold up: wait("x") returns when the file x exists in
// the app's root.
const gates = `
import os, sys, time, threading, signal
ROOT = os.path.dirname(os.path.abspath(__file__))
def touch(name):
    open(os.path.join(ROOT, name), "w").close()
def wait(name):
    while not os.path.exists(os.path.join(ROOT, name)):
        time.sleep(0.005)
def ok(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
`

func withWorkers(n, threads int) func(*modgw.Descriptor) {
	return func(d *modgw.Descriptor) { d.WSGI.Workers, d.WSGI.Threads = n, threads }
}

func requestTimeout(limit time.Duration) func(*modgw.Descriptor) {
	return func(d *modgw.Descriptor) { d.Timeouts.Request = limit }
}

func interruptTime(limit time.Duration) func(*modgw.Descriptor) {
	return func(d *modgw.Descriptor) { d.Timeouts.Interrupt = limit }
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestF1KillIdleWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    return ok(start_response, str(os.getpid()))
`, withWorkers(1, 2))
	for range 2 {
		pid := a.pid(1)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if got := a.do("POST", "/", strings.NewReader("order")); got.status != 200 {
			t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
		}
		a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != pid })
	}
	a.eventually("log", func() bool { return a.log.Count("killed by signal 9 (SIGKILL)") == 2 })
	if got := a.runner.Status().Restarts; got != 2 {
		t.Errorf("%d restarts", got)
	}
}

func TestF2KillBeforeHeadRepeatsOnlyWhatIsSafe(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    with open(os.path.join(ROOT, "ledger"), "a") as f:
        f.write(environ["REQUEST_METHOD"] + "\n")
    if not os.path.exists(os.path.join(ROOT, environ["REQUEST_METHOD"])):
        touch(environ["REQUEST_METHOD"])
        os.kill(os.getpid(), signal.SIGKILL)
    return ok(start_response, "second time")
`)
	if got := a.do("POST", "/", strings.NewReader("order")); got.status != 502 {
		t.Errorf("POST got %d %q, %v", got.status, got.body, got.err)
	}
	if got := a.get("/"); got.status != 200 || got.body != "second time" {
		t.Errorf("GET got %d %q, %v", got.status, got.body, got.err)
	}
	ledger, err := os.ReadFile(a.path("ledger"))
	if err != nil || string(ledger) != "POST\nGET\nGET\n" {
		t.Errorf("the app saw %q, %v", ledger, err)
	}
	if a.log.Count("code=MGW-APP-008") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-008") {
		t.Errorf("logged %d times", a.log.Count("code=MGW-APP-008"))
	}
}

func TestF2SafeRequestIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    with open(os.path.join(ROOT, "ledger"), "a") as f:
        f.write("x")
    os._exit(3)
`)
	if got := a.get("/"); got.status != 502 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if ledger, err := os.ReadFile(a.path("ledger")); err != nil || string(ledger) != "xx" {
		t.Errorf("the app saw it %d times, %v", len(ledger), err)
	}
	if a.log.Count("the worker ended: exited with code 3") == 0 {
		t.Error("the exit code is not in the log")
	}
}

func TestF3KillInBodyCutsTheResponseOff(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"first piece"
    wait("go")
    os.kill(os.getpid(), signal.SIGKILL)
`)
	response, err := http.Get(a.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	piece := make([]byte, 100)
	n, err := response.Body.Read(piece)
	if string(piece[:n]) != "first piece" {
		t.Fatalf("got %q, %v", piece[:n], err)
	}
	a.open("go")
	if n, err := response.Body.Read(piece); err == nil || err.Error() == "EOF" {
		t.Errorf("the end looks complete: %d, %v", n, err)
	}
	a.eventually("log", func() bool {
		return a.log.Count("code=MGW-APP-008") == 1 && faulttest.Has(a.log.String(), "MGW-APP-008")
	})
}

func TestF4CrashIsExplained(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import ctypes
def application(environ, start_response):
    ctypes.string_at(0)
`)
	if got := a.do("POST", "/", nil); got.status != 502 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	// of the request and of the worker
	a.eventually("exit signal", func() bool { return a.log.Count("(SIGSEGV)") >= 2 })
	a.eventually("stacks", func() bool { return a.log.Count("Fatal Python error: Segmentation fault") == 1 })
}

func TestF5MemoryLimitIsFeltByTheAppAlone(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    try:
        return ok(start_response, str(len(bytearray(1 << 30))))
    except MemoryError:
        return ok(start_response, "MemoryError")
`, func(d *modgw.Descriptor) { d.Limits.Memory = 400 << 20 })
	if got := a.get("/"); got.body != "MemoryError" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}

const stuck = gates + `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        touch("stuck")
        while True:
            time.sleep(0.01)
    if environ["PATH_INFO"] == "/slow":
        touch("slow")
        wait("go")
    return ok(start_response, environ["PATH_INFO"] + " " + str(os.getpid()))
`

func TestF6OverdueRequestCostsOnlyItsWorker(t *testing.T) {
	t.Parallel()
	a := serve(t, stuck, withWorkers(1, 2), requestTimeout(time.Second))
	old := a.pid(1)
	overdue := make(chan answer, 1)
	go func() { overdue <- a.get("/stuck") }()
	a.eventually("stuck", func() bool { return exists(a.path("stuck")) })
	if got := <-overdue; got.status != 504 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != old })
	if got := a.get("/fast"); got.status != 200 || strings.HasSuffix(got.body, " "+itoa(old)) {
		t.Errorf("got %d %q", got.status, got.body)
	}
	a.eventually("stacks", func() bool { return a.log.Count("stacks of all threads: request") == 1 })
	if a.log.Count("code=MGW-APP-009") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-009") || a.log.Count("hello.py") == 0 {
		t.Error("the fault or the place is not in the log")
	}
	a.eventually("end of the old worker", func() bool { return !alive(old) })
}

func TestOverdueRequestIsInterruptedAndItsWorkerStays(t *testing.T) {
	t.Parallel()
	for name, threads := range map[string]int{"one thread": 1, "three threads": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t, stuck, withWorkers(1, threads), requestTimeout(time.Second), interruptTime(time.Hour))
			old := a.pid(1)
			if got := a.get("/stuck"); got.status != 504 {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			for range 2 * threads { // each thread is free
				if got := a.get("/fast"); got.status != 200 || got.body != "/fast "+itoa(old) {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
			}
			a.eventually("the place in the log", func() bool {
				return a.log.Count("request interrupted: it took longer than 1s") == 1
			})
			if a.log.Count("in application") != 1 || a.log.Count("stacks of all threads") != 0 {
				t.Errorf("the log says %s", a.log.String())
			}
		})
	}
}

func TestAppMayTidyUpAfterAnOverdueRequest(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        try:
            while True:
                time.sleep(0.01)
        finally:
            touch("tidied")
    return ok(start_response, environ["PATH_INFO"])
`, withWorkers(1, 1), requestTimeout(time.Second), interruptTime(time.Hour))
	if got := a.get("/stuck"); got.status != 504 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("tidied", func() bool { return exists(a.path("tidied")) })
	if got := a.get("/fast"); got.status != 200 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}

func TestWorkerWhoseRequestCannotBeInterruptedIsReplaced(t *testing.T) {
	t.Parallel()
	for name, waiting := range map[string]string{
		"it waits in a system call": "threading.Lock().acquire(); threading.Event().wait()",
		"it goes on all the same":   "hold_on()",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := serve(t, gates+`
def hold_on():
    while True:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            touch("interrupted")

def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        `+waiting+`
    return ok(start_response, str(os.getpid()))
`, withWorkers(1, 2), requestTimeout(time.Second), interruptTime(500*time.Millisecond))
			old := a.pid(1)
			if got := a.get("/stuck"); got.status != 504 {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != old })
			if got := a.get("/fast"); got.status != 200 || got.body == itoa(old) {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			a.eventually("end of the old worker", func() bool { return !alive(old) })
			a.eventually("stacks", func() bool { return a.log.Count("stacks of all threads: request") == 1 })
			if name == "it goes on all the same" && !exists(a.path("interrupted")) {
				t.Error("no exception came")
			}
		})
	}
}

func TestWorkerThatDoesNotAnswerAnInterruptionGetsNoRequests(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import ctypes
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        pipe = os.open(os.path.join(ROOT, "pipe"), os.O_RDWR)
        touch("stuck")
        # Unlike a CDLL, a PyDLL keeps the interpreter.
        ctypes.PyDLL(None).read(pipe, ctypes.create_string_buffer(1), 1)
    return ok(start_response, environ["PATH_INFO"])
`, withWorkers(1, 2), requestTimeout(time.Second), interruptTime(time.Hour))
	if err := syscall.Mkfifo(a.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := a.get("/stuck"); got.status != 504 || !exists(a.path("stuck")) {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	result := make(chan answer, 1)
	go func() { result <- a.get("/fast") }()
	a.eventually("request waits", func() bool {
		return a.runner.Status().Queued == 1 || len(result) == 1
	})
	pipe, err := os.OpenFile(a.path("pipe"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if _, err := pipe.WriteString("."); err != nil {
		t.Fatal(err)
	}
	if got := <-result; got.status != 200 || got.body != "/fast" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}

func TestF6OtherRequestsOfTheWorkerMayFinish(t *testing.T) {
	t.Parallel()
	a := serve(t, stuck, withWorkers(1, 2), requestTimeout(3*time.Second))
	old := a.pid(1)
	results := make(chan answer, 2)
	go func() { results <- a.get("/stuck") }()
	a.eventually("stuck", func() bool { return exists(a.path("stuck")) })
	time.AfterFunc(time.Second, func() { // so that its own time is not up when the other's is
		go func() { results <- a.get("/slow") }()
	})
	a.eventually("slow", func() bool { return exists(a.path("slow")) })
	if got := <-results; got.status != 504 {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.open("go")
	if got := <-results; got.status != 200 || got.body != "/slow "+itoa(old) {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("end of the old worker", func() bool { return !alive(old) })
}

func TestF6StuckInterpreterStillShowsItsStack(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import ctypes
def application(environ, start_response):
    ctypes.PyDLL(None).sleep(3600)  # never lets go of the interpreter
`, requestTimeout(500*time.Millisecond), func(d *modgw.Descriptor) { d.Timeouts.Stop = 200 * time.Millisecond })
	old := a.pid(1)
	if got := a.get("/"); got.status != 504 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("end of the old worker", func() bool { return !alive(old) })
	a.eventually("stacks", func() bool { return a.log.Count("Fatal Python error: Aborted") == 1 })
}

func TestF8DeadlockAtImportIsATimeoutWithItsPlace(t *testing.T) {
	t.Parallel()
	a := prepare(t, gates+`
lock = threading.Lock()
lock.acquire()
lock.acquire()
`, func(d *modgw.Descriptor) { d.Timeouts.Startup = 10 * time.Second })
	fault := a.failsToStart()
	if !faulttest.Has(fault.Error(), "MGW-APP-005") || !strings.Contains(fault.Output, `hello.py", line`) {
		t.Errorf("%v", fault)
	}
}

func TestF9ExitInHandler(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/sys.exit":
        sys.exit(3)
    if path == "/os._exit":
        os._exit(0)
    if path == "/SystemExit-after-start_response":
        start_response("200 OK", [])
        raise SystemExit(3)
    return ok(start_response, "up")
`)
	for path, status := range map[string]int{"/sys.exit": 500, "/os._exit": 502, "/SystemExit-after-start_response": 500} {
		if got := a.do("POST", path, nil); got.status != status {
			t.Errorf("%s: %d %q, %v", path, got.status, got.body, got.err)
		}
		if got := a.get("/"); got.status != 200 || got.body != "up" {
			t.Errorf("after %s: %d %q, %v", path, got.status, got.body, got.err)
		}
	}
}

func TestF10CrashLoopBacksOffAndAnswersAtOnce(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
if os.path.exists(os.path.join(ROOT, "broken")):
    with open(os.path.join(ROOT, "attempts"), "a") as f:
        f.write("x")
    os._exit(1)
def application(environ, start_response):
    return ok(start_response, "up")
`)
	a.open("broken")
	if err := syscall.Kill(a.pid(1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var got answer
	a.eventually("refusal", func() bool { got = a.get("/"); return got.status == 503 })
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if !faulttest.Has(a.log.String(), "MGW-APP-011") || a.log.Count("exited with code 1") == 0 {
		t.Error("the log does not say why")
	}
	if attempts, err := os.ReadFile(a.path("attempts")); err != nil || len(attempts) > 6 {
		t.Errorf("%d attempts, %v", len(attempts), err)
	}
	if err := os.Remove(a.path("broken")); err != nil {
		t.Fatal(err)
	}
	a.eventually("recovery", func() bool { return a.get("/").status == 200 })
}

func TestF11AppMaySpoilItsStreams(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import fcntl
for fd in (1, 2):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
def application(environ, start_response):
    if environ["PATH_INFO"] == "/flood":
        left = 50000 * (b"x" * 99 + b"\n")
        while left:
            try:
                left = left[os.write(2, left):]
            except BlockingIOError:
                time.sleep(0.001)
    if environ["PATH_INFO"] == "/close":
        os.close(1); os.close(2)
        print("lost")
        environ["wsgi.errors"].write("nor this\n")
    return ok(start_response, "up")
`)
	began := time.Now()
	for _, path := range []string{"/flood", "/close", "/"} {
		if got := a.get(path); got.status != 200 && path != "/close" {
			t.Errorf("%s: %d %q, %v", path, got.status, got.body, got.err)
		}
	}
	a.eventually("drop notice", func() bool { return a.log.Count("app output dropped") > 0 })
	// 2000 lines are logged in a second; the flood began and ended within one.
	if n, most := a.log.Count("app output\""), 2000*(2+int(time.Since(began).Seconds())); n > most {
		t.Errorf("%d lines were logged, and at most %d may be", n, most)
	}
}

func TestF12GrandchildrenHoldNothingUp(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import subprocess
inner = subprocess.Popen(["sleep", "3600"])
outer = subprocess.Popen(["sleep", "3600"], start_new_session=True)
with open(os.path.join(ROOT, "outers"), "a") as f:
    f.write("%d\n" % outer.pid)
def application(environ, start_response):
    return ok(start_response, "%d %d" % (inner.pid, outer.pid))
`)
	pids := strings.Fields(a.get("/").body)
	a.runner.Stop(t.Context())
	inner, outer := atoi(t, pids[0]), atoi(t, pids[1])
	t.Cleanup(func() {
		// several, if a forked worker was given up
		for _, pid := range strings.Fields(a.read("outers")) {
			syscall.Kill(atoi(t, pid), syscall.SIGKILL)
		}
	})
	a.eventually("end of the one in the group", func() bool { return !alive(inner) })
	a.eventually("end of the one in its own session", func() bool { return !alive(outer) })
	if n := a.log.Count(`ended processes that were left behind" count=1 names=sleep`); n == 0 {
		t.Error("the log does not name it")
	}
	a.stopped = true
}

func TestF14ClosedDescriptorsAreAWorkersDeath(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/close":
        os.closerange(3, 1000)
    return ok(start_response, str(os.getpid()))
`)
	old := a.pid(1)
	if got := a.do("POST", "/close", nil); got.status != 502 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if got := a.get("/"); got.status != 200 || got.body == itoa(old) {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("end of the old worker", func() bool { return !alive(old) })
}

func TestF16WorkerThatIgnoresSignalsIsKilled(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import atexit
signal.signal(signal.SIGTERM, signal.SIG_IGN)
atexit.register(time.sleep, 3600)
def application(environ, start_response):
    return ok(start_response, "up")
`, func(d *modgw.Descriptor) { d.Timeouts.Stop = 300 * time.Millisecond })
	pid := a.pid(1)
	a.runner.Stop(t.Context())
	a.stopped = true
	if alive(pid) {
		t.Error("it lives")
	}
	if a.log.Count("worker killed") != 1 {
		t.Errorf("logged %d times", a.log.Count("worker killed"))
	}
}

// A worker with one thread serves in its main thread. The host must reach it all the same: for its
// stacks, and for its end.
func TestStuckMainThreadIsATimeoutWithItsPlace(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        assert threading.current_thread() is threading.main_thread()
        wait("never")
    return ok(start_response, "up")
`, withWorkers(1, 1), requestTimeout(500*time.Millisecond), func(d *modgw.Descriptor) { d.Timeouts.Stop = 200 * time.Millisecond })
	old := a.pid(1)
	if got := a.get("/stuck"); got.status != 504 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("stacks", func() bool { return strings.Contains(a.log.String(), "thread MainThread, serving GET /stuck") })
	a.eventually("another worker", func() bool { return a.pid(1) != old && a.get("/").body == "up" })
	a.eventually("end of the old worker", func() bool { return !alive(old) })
}

func TestALockThatTheDescriptorTurnsOnIsExplained(t *testing.T) {
	// A Python that only looks free-threaded, because few machines have a real one.
	const looks = `
import sys
sys.abiflags = "t"
sys._is_gil_enabled = lambda: True
from modgw_worker import gil
gil.watch(type("Control", (), {"log": staticmethod(lambda level, message: print(message))}))
`
	command := exec.Command(interpreter(t), "-B", "-c", looks)
	command.Dir = "worker"
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	faulttest.Want(t, string(out), "MGW-APP-030")
}

func TestASocketToAttachToNeedsAShortPath(t *testing.T) {
	a := prepare(t, echo, func(d *modgw.Descriptor) { d.Attach = true })
	a.runner.files.State = filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	faulttest.Want(t, a.failsToStart().Error(), "MGW-APP-201")
	a.runner.files.State = t.TempDir()
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
}
