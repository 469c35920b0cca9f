package python

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

func TestStartNamesWhatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source string
		entry  string
		code   string
		says   []string
	}{
		"module not found": {
			source: "import flask_of_nobody\n", code: "MGW-APP-001",
			says: []string{`cannot import "hello:application": ModuleNotFoundError: No module named 'flask_of_nobody'`, "hello.py:1)", "Traceback", "hint: add the package"},
		},
		"syntax error":     {source: "def application(:\n", code: "MGW-APP-001", says: []string{"SyntaxError", "hello.py:1)"}},
		"exception":        {source: "x = 1\nx / 0\n", code: "MGW-APP-001", says: []string{"ZeroDivisionError", "hello.py:2)"}},
		"callable missing": {source: "app_ = 1\n", code: "MGW-APP-002", says: []string{`cannot find the callable of "hello:application"`}},
		"not callable":     {source: "application = 1\n", code: "MGW-APP-003", says: []string{`cannot call what "hello:application" names`}},
		"sys.exit":         {source: "import sys\nsys.exit(3)\n", code: "MGW-APP-004", says: []string{"it ended the process"}},
		"os._exit":         {source: "import os, sys\nprint('last words', file=sys.stderr)\nos._exit(3)\n", code: "MGW-APP-004", says: []string{"exited with code 3", "last words"}},
		"killed":           {source: "import os\nos.kill(os.getpid(), 9)\n", code: "MGW-APP-004", says: []string{"killed by signal 9 (SIGKILL)"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := prepare(t, c.source, withWorkers(2, 1))
			fault := a.failsToStart()
			text := fault.Error()
			for _, part := range c.says {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in:\n%s", part, text)
				}
			}
			faulttest.Want(t, text, c.code)
			if fault.Code != c.code {
				t.Errorf("code %s", fault.Code)
			}
		})
	}
}

func TestStartNamesTheMissingInterpreter(t *testing.T) {
	t.Parallel()
	a := prepare(t, hello)
	a.runner.app.Environment = &modgw.Environment{Interpreter: "/no/such/python3.12", Version: "CPython 3.12.1"}
	fault := a.failsToStart()
	if !faulttest.Has(fault.Error(), "MGW-APP-006") || !strings.Contains(fault.Hint, `"/no/such/python3.12" (CPython 3.12.1)`) {
		t.Error(fault)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	a := prepare(t, gates+"touch('begun')\nwait('never')\n")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		eventually(t, "begin of import", func() bool { return exists(a.path("begun")) })
	}()
	if err := a.runner.Start(ctx); err == nil {
		t.Fatal("it started")
	}
	if left := a.tracked(); len(left) != 0 {
		t.Errorf("%d workers are left", len(left))
	}
}

func TestStopFinishesRequestsFirst(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
import atexit
atexit.register(touch, "exit-handler")
def application(environ, start_response):
    touch("begun")
    wait("go")
    return ok(start_response, "done")
`)
	result := make(chan answer, 1)
	go func() { result <- a.get("/") }()
	a.eventually("request", func() bool { return exists(a.path("begun")) })
	var stop sync.WaitGroup
	stop.Go(func() { a.runner.Stop(t.Context()) })
	a.stopped = true
	a.open("go")
	stop.Wait()
	if got := <-result; got.status != 200 || got.body != "done" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if !exists(a.path("exit-handler")) {
		t.Error("the exit handlers did not run")
	}
	if got := a.get("/"); got.status != 503 {
		t.Errorf("afterwards: %d", got.status)
	}
}

func TestRecycleReplacesBeforeItRetires(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    return ok(start_response, str(os.getpid()))
`, func(d *modgw.Descriptor) { d.Recycle = modgw.Recycle{Requests: 10, Jitter: 0.1} })
	pids := map[string]int{}
	a.eventually("a third worker answers", func() bool {
		got := a.get("/")
		if got.status != 200 {
			t.Fatalf("%d %q, %v", got.status, got.body, got.err)
		}
		pids[got.body]++
		return len(pids) == 3
	})
	if a.runner.Status().Restarts != 0 {
		t.Error("recycling counts as restarts")
	}
}

func TestRetiredWorkerEndsItsEventStreams(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import os, time
def application(environ, start_response):
    if environ["PATH_INFO"] != "/events":
        start_response("200 OK", [])
        return [str(os.getpid()).encode()]
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    def events():
        while True:
            yield b"data: tick\n\n"
            time.sleep(0.01)
    return events()
`, func(d *modgw.Descriptor) {
		d.WSGI.Threads, d.Recycle = 2, modgw.Recycle{Requests: 3}
		d.Timeouts.WebSocketDrain, d.Timeouts.Drain = 10*time.Millisecond, time.Hour
	})
	first := a.pid(1)
	events, err := http.Get(a.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	a.eventually("another worker", func() bool { return a.get("/").body != itoa(first) })
	if _, err := io.ReadAll(events.Body); err != nil {
		t.Errorf("the event stream ended with %v", err)
	}
	a.eventually("end of the worker", func() bool { return !alive(first) })
	if a.log.Count("worker killed") > 0 {
		t.Error("the worker had to be killed")
	}
}

func TestRecycleByAgeAndMemory(t *testing.T) {
	t.Parallel()
	for name, recycle := range map[string]modgw.Recycle{
		"age":    {Age: 200 * time.Millisecond},
		"memory": {Memory: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, hello, func(d *modgw.Descriptor) { d.Recycle = recycle })
			first := a.pid(1)
			if got := a.get("/"); got.status != 200 {
				t.Fatalf("got %d", got.status)
			}
			a.eventually("successor", func() bool { p := a.pid(1); return p != 0 && p != first })
			a.eventually("end of the first", func() bool { return !alive(first) })
		})
	}
}

func TestWorkerWithoutSuccessorGoesOn(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
if os.path.exists(os.path.join(ROOT, "broken")):
    raise ValueError("broken")
def application(environ, start_response):
    return ok(start_response, str(os.getpid()))
`, func(d *modgw.Descriptor) { d.Recycle = modgw.Recycle{Requests: 5} })
	first := itoa(a.pid(1))
	a.open("broken")
	for range 20 {
		if got := a.get("/"); got.status != 200 || got.body != first {
			t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
		}
	}
	a.eventually("failure in the log", func() bool { return a.log.Count("code=MGW-APP-001") > 0 })
	if err := os.Remove(a.path("broken")); err != nil {
		t.Fatal(err)
	}
	a.eventually("successor", func() bool { got := a.get("/"); return got.status == 200 && got.body != first })
}

func TestWorkersRunSideBySide(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    touch("begun-" + environ["PATH_INFO"][1:])
    wait("go")
    return ok(start_response, "%d %s" % (os.getpid(), threading.current_thread().name))
`, withWorkers(2, 2))
	results := make(chan answer, 4)
	for _, name := range []string{"a", "b", "c", "d"} {
		go func() { results <- a.get("/" + name) }()
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		a.eventually(name, func() bool { return exists(a.path("begun-" + name)) })
	}
	if s := a.runner.Status(); s.Busy != 4 || s.Capacity != 4 || len(s.Workers) != 2 {
		t.Errorf("status %+v", s)
	}
	a.open("go")
	places := map[string]bool{}
	for range 4 {
		places[(<-results).body] = true
	}
	if len(places) != 4 {
		t.Errorf("four requests at once ran in %v", places)
	}
}

func TestFullQueueIsRefusedAndLeftByThoseWhoGo(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    touch("begun")
    wait("go")
    return ok(start_response, "done")
`, withWorkers(1, 1), func(d *modgw.Descriptor) { d.Queue.Max = 1 })
	results := make(chan answer, 2)
	go func() { results <- a.get("/") }()
	a.eventually("request", func() bool { return exists(a.path("begun")) })

	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { results <- a.send(r) }()
	a.eventually("queue", func() bool { return a.runner.Status().Queued == 1 })
	if got := a.get("/"); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", got.status, got.header)
	}
	cancel()
	if got := <-results; got.err == nil {
		t.Errorf("the one who went got %d", got.status)
	}
	a.eventually("empty queue", func() bool { return a.runner.Status().Queued == 0 })
	a.open("go")
	if got := <-results; got.status != 200 {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}

func TestQueueTimeout(t *testing.T) {
	t.Parallel()
	a := serve(t, gates+`
def application(environ, start_response):
    touch("begun")
    wait("go")
    return ok(start_response, "done")
`, withWorkers(1, 1), func(d *modgw.Descriptor) { d.Queue.Timeout = 50 * time.Millisecond })
	result := make(chan answer, 1)
	go func() { result <- a.get("/") }()
	a.eventually("request", func() bool { return exists(a.path("begun")) })
	if got := a.get("/"); got.status != 503 {
		t.Errorf("got %d", got.status)
	}
	a.open("go")
	<-result
	if a.log.Count("code=MGW-APP-010") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-010") {
		t.Error("not logged once")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	live := func(a *app) {
		if err := a.runner.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.runner.Stop(t.Context())
	}
	a := prepare(t, hello, withWorkers(2, 3))
	live(a) // a process opens some files only once
	before := count()
	for range 2 {
		live(a.again())
	}
	if after := count(); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
