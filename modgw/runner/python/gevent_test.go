package python

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// green makes the app of a test handle requests in greenlets.
func green(d *modgw.Descriptor) { d.WSGI.Concurrency, d.WSGI.Threads = modgw.Gevent, 0 }

// withGevent returns a Python that has gevent.
func withGevent(t *testing.T) string {
	t.Helper()
	python := findGevent()
	switch {
	case python != "":
	case os.Getenv("CI") != "":
		t.Fatal("no Python has gevent: scripts/setup test installs one")
	default:
		t.Skip("no Python has gevent")
	}
	return python
}

// findGevent finds $MODGW_TEST_GEVENT, or the system's Python that has gevent; "": none has.
var findGevent = sync.OnceValue(func() string {
	candidates := []string{"/usr/bin/python3", "python3"}
	if named := os.Getenv("MODGW_TEST_GEVENT"); named != "" {
		candidates = []string{named}
	}
	for _, python := range candidates {
		path, err := exec.LookPath(python)
		if err == nil && exec.Command(path, "-c", "import gevent").Run() == nil {
			return path
		}
	}
	return ""
})

// serveGreen starts an app with gevent.
func serveGreen(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	a := prepare(t, source, append([]func(*modgw.Descriptor){green}, change...)...)
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	return a
}

func TestWorkersWithGeventFailLikeOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"F2 kill before head":    TestF2KillBeforeHeadRepeatsOnlyWhatIsSafe,
		"F3 kill in body":        TestF3KillInBodyCutsTheResponseOff,
		"F9 exit in handler":     TestF9ExitInHandler,
		"F14 closed descriptors": TestF14ClosedDescriptorsAreAWorkersDeath,
		"F16 ignored signals":    TestF16WorkerThatIgnoresSignalsIsKilled,
		"F17 wrong responses":    TestF17WrongResponses,
		"F18 truncated file":     TestF18TruncatedFileIsCutOff,
		"recycling":              TestRecycleReplacesBeforeItRetires,
	} {
		t.Run(name, test)
	}
}

// crowd is an app whose requests wait until the number of requests inside has reached the number in
// the path.
const crowd = `
import time
inside = 0
def application(environ, start_response):
    global inside
    wanted = int(environ["PATH_INFO"][1:])
    inside += 1
    while inside < wanted:
        time.sleep(0.001)
    start_response("200 OK", [("X-Multithread", str(environ["wsgi.multithread"]))])
    return [b"together"]
`

func TestGeventExecutesAHundredRequestsAtOnceInOneWorker(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, crowd)
	if got := a.runner.Status(); got.Capacity != usualGreenlets || len(got.Workers) != 1 {
		t.Errorf("status %+v", got)
	}
	var asking sync.WaitGroup
	for range 100 {
		asking.Go(func() {
			if got := a.get("/100"); got.status != http.StatusOK || got.body != "together" || got.header.Get("X-Multithread") != "True" {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
	asking.Wait()
}

func TestGeventKeepsTheRestWaiting(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, crowd, func(d *modgw.Descriptor) { d.WSGI.Threads = 2 })
	var asking sync.WaitGroup
	for range 6 {
		asking.Go(func() {
			if got := a.get("/2"); got.status != http.StatusOK {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
	asking.Wait()
}

func TestWithoutGeventTheFaultSaysSo(t *testing.T) {
	t.Parallel()
	a := prepare(t, "import sys\n"+hello, green, func(d *modgw.Descriptor) { d.Env = map[string]string{"PYTHONPATH": d.Root + "/broken"} })
	if err := os.MkdirAll(a.path("broken/gevent"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.path("broken/gevent/__init__.py"), []byte("raise ImportError('none here')\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	fault := a.failsToStart()
	if !faulttest.Has(fault.Error(), "MGW-APP-031") || !strings.Contains(fault.Error(), "none here") || !strings.Contains(fault.Hint, "requirements") {
		t.Errorf("got %v", fault)
	}
}

// greenApp contains the features that are implemented differently if requests are greenlets.
const greenApp = `
import ctypes, os, subprocess, sys, threading, time
usleep = ctypes.CDLL(None).usleep # gevent does not replace it
here = os.path.dirname(os.path.abspath(__file__))
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    if path == "/pieces":
        start_response("200 OK", [])
        return (b"%07d\n" % n * 1024 for n in range(140))
    if path == "/file":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open(os.path.join(here, "big"), "rb"))
    if path == "/child":
        start_response("200 OK", [])
        return [subprocess.check_output(["echo", "child"])]
    if path == "/fork":
        pid = os.fork()
        if pid == 0:
            start_response("200 OK", [])
            return [b"from the child"]
        os.waitpid(pid, 0)
        start_response("200 OK", [])
        return [b"from the parent"]
    if path == "/thread":
        found = []
        t = threading.Thread(target=lambda: (time.sleep(0.001), found.append(b"thread")))
        t.start()
        t.join()
        start_response("200 OK", [])
        return found
    if path == "/raise":
        raise ValueError("on purpose")
    if path == "/exit":
        sys.exit(3)
    if path == "/wait":
        open(os.path.join(here, "waits"), "w").close()
        try:
            while not os.path.exists(os.path.join(here, "gate")):
                time.sleep(0.001)
        except BaseException as error:
            print("let go:", type(error).__name__, error)
            raise
        start_response("200 OK", [])
        return [b"waited"]
    if path == "/busy":
        while not os.path.exists(os.path.join(here, "gate")):
            usleep(2000)
        start_response("200 OK", [])
        return [b"was busy"]
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
import atexit
atexit.register(lambda: open(os.path.join(here, "left"), "w").close())
`

func (a *app) has(name string) bool {
	_, err := os.Stat(a.path(name))
	return err == nil
}

func (a *app) touch(name string) {
	a.Helper()
	if err := os.WriteFile(a.path(name), nil, 0o644); err != nil {
		a.Fatal(err)
	}
}

func TestGeventKeepsTheContractOfWSGI(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, greenApp)
	big := strings.Repeat("0123456789abcdef", 70_000)
	if err := os.WriteFile(a.path("big"), []byte(big), 0o644); err != nil {
		t.Fatal(err)
	}
	var pieces strings.Builder
	for n := range 140 {
		pieces.WriteString(strings.Repeat(fmt.Sprintf("%07d\n", n), 1024))
	}
	var asking sync.WaitGroup
	for range 3 {
		for path, want := range map[string]string{
			"/pieces": pieces.String(), "/file": big, "/child": "child\n", "/fork": "from the parent", "/thread": "thread",
		} {
			asking.Go(func() {
				if got := a.get(path); got.status != http.StatusOK || got.body != want || got.err != nil {
					t.Errorf("%s: %d, %d bytes, %v", path, got.status, len(got.body), got.err)
				}
			})
		}
		asking.Go(func() {
			if got := a.do("POST", "/echo", strings.NewReader(big)); got.status != http.StatusOK || got.body != big || got.err != nil {
				t.Errorf("/echo: %d, %d bytes, %v", got.status, len(got.body), got.err)
			}
		})
		asking.Go(func() {
			if got := a.get("/raise"); got.status != http.StatusInternalServerError {
				t.Errorf("/raise: %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
	asking.Wait()
	if got := a.log.Count("on purpose"); got < 3 {
		t.Errorf("%d of 3 exceptions were logged", got)
	}
	pid := a.get("/").body
	a.get("/exit")
	a.eventually("another worker", func() bool { got := a.get("/"); return got.status == http.StatusOK && got.body != pid })
}

func TestGeventLetsARequestGoWhoseTimeIsUp(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, greenApp, func(d *modgw.Descriptor) { d.Timeouts.Request = 300 * time.Millisecond })
	pid := a.get("/").body
	if got := a.get("/wait"); got.status != http.StatusGatewayTimeout {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("the greenlet ends", func() bool { return a.log.Count("let go: ClientDisconnected") == 1 })
	a.eventually("its place is free", func() bool { return a.runner.Status().Busy == 0 })
	if got := a.get("/"); got.body != pid {
		t.Errorf("the worker was replaced: %q, was %q", got.body, pid)
	}
}

func TestGeventFinishesItsRequestsBeforeItStops(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, greenApp)
	answered := make(chan answer, 1)
	go func() { answered <- a.get("/wait") }()
	a.eventually("the request is there", func() bool { return a.has("waits") })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		a.runner.Stop(t.Context())
	}()
	a.stopped = true
	a.touch("gate")
	if got := <-answered; got.status != http.StatusOK || got.body != "waited" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	<-stopped
	if !a.has("left") {
		t.Error("exit handlers did not run")
	}
}

func TestGeventWorkerObeysSIGTERM(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, greenApp)
	old := a.pid(1)
	answered := make(chan answer, 1)
	go func() { answered <- a.get("/wait") }()
	a.eventually("the request is there", func() bool { return a.has("waits") })
	if err := syscall.Kill(old, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.touch("gate")
	if got := <-answered; got.status != http.StatusOK || got.body != "waited" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("replacement", func() bool { p := a.pid(1); return p != 0 && p != old })
	a.eventually("end", func() bool { return !alive(old) })
	if !a.has("left") {
		t.Error("exit handlers did not run")
	}
}

func TestGeventSaysWhatBlocksItsHubAndWhereGreenletsStand(t *testing.T) {
	t.Parallel()
	a := serveGreen(t, greenApp, func(d *modgw.Descriptor) { d.Timeouts.Request = 2500 * time.Millisecond })
	waiting := make(chan answer, 1)
	go func() { waiting <- a.get("/wait") }()
	a.eventually("the request is there", func() bool { return a.has("waits") })
	if got := a.get("/busy"); got.status != http.StatusGatewayTimeout {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("what blocks the hub is logged", func() bool {
		return a.log.Has("gevent's hub is blocked") && a.log.Has("hello.py")
	})
	a.eventually("the stacks are logged", func() bool { return a.log.Count("greenlet serving GET /wait") > 0 })
	<-waiting
	a.touch("gate")
}
