package python

import (
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// keptApp reads bodies that the host keeps: /late when the response is complete and the test allows
// it, /die in a second worker, because the first one ends with the request.
const keptApp = gates + `
import hashlib
def describe(environ):
    body = environ["wsgi.input"].read()
    return "%d %s" % (len(body), hashlib.sha256(body).hexdigest())
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/late":
        start_response("200 OK", [("Content-Length", "2")])
        def body():
            yield b"ok"
            wait("go")
            with open("late.new", "w") as file:
                file.write(describe(environ))
            os.rename("late.new", "late")
        return body()
    if path == "/die" and not os.path.exists("died"):
        environ["wsgi.input"].read(200000)
        touch("died")
        os._exit(1)
    return ok(start_response, describe(environ))
`

// serveKept serves an app whose bodies are kept where its workers read them.
func serveKept(t *testing.T, count, threads int) *app {
	t.Helper()
	file, err := wire.NewSharedMemory(1)
	if err != nil {
		t.Skip("no memory can be shared here:", err)
	}
	file.Close()
	upload := func(d *modgw.Descriptor) { d.Spool.Upload = 64 << 20 }
	a := serve(t, keptApp, withWorkers(count, threads), upload)
	if a.runner.app.Bodies == nil {
		t.Fatal("no body is kept where workers can read it")
	}
	return a
}

func TestKeptBodyIsThereForASecondWorker(t *testing.T) {
	t.Parallel()
	a := serveKept(t, 2, 1)
	data := largeData(3_000_000)
	if got := a.do("GET", "/die", strings.NewReader(data)); got.body != digest(data) {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if !exists(a.path("died")) {
		t.Error("the first worker lives on")
	}
	a.nothingKept()
}

func TestKeptBodyStaysWhileTheAppMayReadIt(t *testing.T) {
	t.Parallel()
	a := serveKept(t, 1, 1)
	data := largeData(3_000_000)
	if got := a.do("POST", "/late", strings.NewReader(data)); got.body != "ok" {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	if used := a.runner.app.Spool.Used(); used < int64(len(data))/2 {
		t.Errorf("%d bytes are kept while the app may read them", used)
	}
	a.open("go")
	a.eventually("the body in the app", func() bool { return exists(a.path("late")) })
	if got, err := os.ReadFile(a.path("late")); string(got) != digest(data) {
		t.Errorf("after the response: %q, %v", got, err)
	}
	a.nothingKept() // without another request
}

// TestBodiesOfAnotherAppAreOutOfReach inspects the memory that a worker has mapped.
func TestBodiesOfAnotherAppAreOutOfReach(t *testing.T) {
	t.Parallel()
	one, other := serveKept(t, 1, 1), serveKept(t, 1, 1)
	mapped := func(a *app) (lines []string) {
		text, err := os.ReadFile("/proc/" + itoa(a.pid(1)) + "/maps")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "modgw bodies") && strings.Contains(line, "r--s") {
				lines = append(lines, strings.Fields(line)[4]) // the inode
			}
		}
		return lines
	}
	if a, b := mapped(one), mapped(other); len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("memory that the workers only read: %v and %v", a, b)
	}
}
