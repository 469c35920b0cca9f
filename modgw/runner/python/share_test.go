package python

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// sharedApps answer with the id of their process. /wait waits for a file, and writes another one
// when it begins, and whether something else is being executed.
var sharedApps = map[string]string{
	"WSGI": `
import os, time
busy = 0
def application(environ, start_response):
    global busy
    busy += 1
    alone = environ["wsgi.multithread"] or busy == 1
    if environ["PATH_INFO"] == "/wait":
        open("began", "w").close()
        while not os.path.exists("go"): time.sleep(0.005)
    if environ["PATH_INFO"] == "/print": print("printed", flush=True)
    size = len(environ["wsgi.input"].read())
    busy -= 1
    start_response("200 OK", [])
    return [b"%d %d %s" % (os.getpid(), size, str(alone).encode()), b"." * size]
`,
	"ASGI": `
import asyncio, os
async def application(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/wait":
        open("began", "w").close()
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        while not os.path.exists("go"): await asyncio.sleep(0.005)
    if scope["path"] == "/print": print("printed", flush=True)
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.body", "body": b"%d %d %s" % (os.getpid(), size, b"True") + b"." * size})
`,
}

// heir makes a runner on another host that may have the workers of a.
func (a *app) heir() *app {
	a.Helper()
	config := a.runner.app.RunnerConfig
	config.Inherit = a.runner.Share
	config.Replaces, config.Few = true, false
	runner, err := New(config, a.runner.files)
	if err != nil {
		a.Fatal(err)
	}
	return &app{T: a.T, runner: runner, log: &watchtest.Log{}, root: a.root}
}

// TestWorkerServesTheHostThatReplacesItsOwn has a worker serve two hosts at a time, and then only
// the second one: it is the same process, and its streams for the first host continue.
func TestWorkerServesTheHostThatReplacesItsOwn(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 3<<19) // by shared memory
	for kind, change := range map[string]func(*modgw.Descriptor){"WSGI": withWorkers(1, 2), "ASGI": asASGI} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			first := serve(t, sharedApps[kind], change)
			pid := first.pid(1)
			if numbers := first.runner.Shareable(); len(numbers) != 1 || numbers[0] != 1 {
				t.Fatalf("shareable: %v", numbers)
			}
			discarded := first.heir()
			if err := discarded.runner.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			discarded.runner.Stop(t.Context()) // the upgrade is called off
			second := first.heir()
			if err := second.runner.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			second.listen()
			want := func(a *app, path, body string) {
				t.Helper()
				got := a.do("POST", path, strings.NewReader(body))
				if start := itoa(pid) + " " + itoa(len(body)) + " True"; !strings.HasPrefix(got.body, start) || len(got.body) != len(start)+len(body) {
					t.Errorf("%s: %d %.40q, %v", path, got.status, got.body, got.err)
				}
			}
			want(first, "/", large)
			want(second, "/", large)
			waited := make(chan answer)
			go func() { waited <- first.get("/wait") }()
			first.eventually("a request of the first host", func() bool { return exists(first.path("began")) })
			for range 4 { // none waits behind that
				want(second, "/", "new")
				want(first, "/", "old")
			}
			if owned := second.runner.Own(); len(owned) != 1 || owned[0] != pid {
				t.Errorf("owned: %v", owned)
			}
			first.runner.Give([]int{pid})
			second.runner.ReadOutput()
			want(first, "/", "late")
			want(second, "/print", "")
			second.eventually("what it prints", func() bool { return first.log.Count("line=printed") == 1 })
			first.open("go")
			if got := <-waited; !strings.HasPrefix(got.body, itoa(pid)) {
				t.Errorf("the request of the first host: %d %q, %v", got.status, got.body, got.err)
			}
			first.runner.Stop(t.Context())
			first.stopped = true
			want(second, "/", large)
			third := second.heir()
			if err := third.runner.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			third.listen()
			second.runner.Give(third.runner.Own())
			second.runner.Stop(t.Context())
			second.stopped = true
			want(third, "/", large)
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			third.eventually("another worker", func() bool { now := third.pid(1); return now != 0 && now != pid })
			if got := third.get("/"); got.status != http.StatusOK {
				t.Errorf("after its end: %d %q, %v", got.status, got.body, got.err)
			}
		})
	}
}

// TestThreadServesOneRequestOfTwoHosts has an app that bears one request at a time get some of two
// hosts.
func TestThreadServesOneRequestOfTwoHosts(t *testing.T) {
	t.Parallel()
	first := serve(t, sharedApps["WSGI"], withWorkers(1, 1))
	second := first.heir()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.listen()
	answers := make(chan answer, 8)
	go func() { answers <- first.get("/wait") }()
	first.eventually("the first request", func() bool { return exists(first.path("began")) })
	for _, a := range []*app{first, second, second} {
		go func() { answers <- a.get("/") }()
	}
	first.open("go")
	for range 4 {
		if got := <-answers; got.err != nil || !strings.HasSuffix(got.body, " 0 True") {
			t.Errorf("%d %q, %v", got.status, got.body, got.err)
		}
	}
	first.runner.Give(second.runner.Own())
}

// TestWorkerThatIsBusyForLongIsNotTakenOver starts another one in its place.
func TestWorkerThatIsBusyForLongIsNotTakenOver(t *testing.T) {
	t.Parallel()
	first := serve(t, sharedApps["WSGI"], withWorkers(1, 1))
	waited := make(chan answer)
	go func() { waited <- first.get("/wait") }()
	first.eventually("a request", func() bool { return exists(first.path("began")) })
	second := first.heir()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.listen()
	if owned := second.runner.Own(); len(owned) != 0 || second.pid(1) == first.pid(1) {
		t.Errorf("owned: %v", owned)
	}
	first.open("go")
	if got := <-waited; got.status != http.StatusOK {
		t.Errorf("%d %q, %v", got.status, got.body, got.err)
	}
	if got := first.get("/"); got.status != http.StatusOK {
		t.Errorf("after it was left alone: %d %q, %v", got.status, got.body, got.err)
	}
}

// TestWorkerThatReadsNothingHoldsNoUpgradeUp has a worker that leaves no room on its control
// connection.
func TestWorkerThatReadsNothingHoldsNoUpgradeUp(t *testing.T) {
	t.Parallel()
	first := serve(t, sharedApps["WSGI"], withWorkers(1, 1), func(d *modgw.Descriptor) { d.Timeouts.Stop = 100 * time.Millisecond })
	pid := first.pid(1)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := first.tracked()[0]
	for !first.log.Has("it reads nothing on its control connection") {
		stopped.Send(wire.Dump, make([]byte, 64<<10))
	}
	second := first.heir()
	if err := second.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.listen()
	if got := second.get("/"); got.status != http.StatusOK || strings.HasPrefix(got.body, itoa(pid)+" ") {
		t.Errorf("%d %q, %v", got.status, got.body, got.err)
	}
	first.eventually("its end", func() bool { return !alive(pid) })
}

// TestWorkerOfAnotherKindOfJoiningIsNotShared has a worker whose code joins other hosts in a way
// that this one does not know.
func TestWorkerOfAnotherKindOfJoiningIsNotShared(t *testing.T) {
	t.Parallel()
	a := prepare(t, hello)
	dir := filepath.Join(t.TempDir(), "worker")
	if err := os.CopyFS(dir, os.DirFS(a.runner.files.Dir)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "modgw_worker", "wire.py")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "JOIN_VERSION = 2", "JOIN_VERSION = 12", 1)
	if err := os.WriteFile(name, []byte(changed), 0o644); err != nil || changed == string(text) {
		t.Fatalf("it is the same: %v", err)
	}
	a.runner.files.Dir = dir
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	if numbers := a.runner.Shareable(); len(numbers) != 0 {
		t.Errorf("shareable: %v", numbers)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := a.runner.Share(1, []*os.File{w}); err == nil {
		t.Error("it was shared")
	}
	if _, err := io.ReadAll(r); err != nil { // EOF arrives when all files are closed
		t.Error(err)
	}
}
