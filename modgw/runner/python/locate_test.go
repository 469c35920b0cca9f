package python

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// located returns the locations of the requests of an app.
func (a *app) located() []modgw.Location {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), watchtest.Patience)
	defer cancel()
	found, silent := a.runner.Locate(ctx, "r1")
	if len(silent) > 0 {
		a.Errorf("workers %v do not say where their requests are", silent)
	}
	return found
}

// getAs is like get, with a request ID.
func (a *app) getAs(id, path string) answer {
	r, err := http.NewRequest(http.MethodGet, a.server.URL+path, nil)
	if err != nil {
		a.Error(err)
		return answer{}
	}
	r.Header.Set("X-Request-Id", id)
	return a.send(r)
}

func TestWorkerSaysWhereItsThreadsAre(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import threading
gate = threading.Event()
def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        gate.wait()
    if environ["PATH_INFO"] == "/open":
        gate.set()
    start_response("200 OK", [])
    return [b"ok"]
`)
	if found := a.located(); len(found) != 0 {
		t.Errorf("without a request: %+v", found)
	}
	waiting := make(chan answer, 1)
	go func() { waiting <- a.getAs("r1", "/wait") }()
	var found []modgw.Location
	a.eventually("a thread that waits", func() bool {
		found = a.located()
		return len(found) == 1 && found[0].Module == "threading" && found[0].For > 0
	})
	l := found[0]
	if !strings.Contains(l.Stack, "line 6, in application") || !strings.Contains(l.Stack, "in wait") || strings.Contains(l.Stack, "modgw_worker") ||
		strings.Contains(l.Stack, "_bootstrap") {
		t.Errorf("the stack is %q", l.Stack)
	}
	if l.Worker != 1 || l.Function != "wait" || l.File != a.path("hello.py") || l.Line != 6 || l.Blocks {
		t.Errorf("%+v", l)
	}
	a.get("/open")
	<-waiting
}

func TestASGIWorkerSaysWhatBlocksItsLoopAndWhereItsTasksAre(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import asyncio, os, time
async def rest():
    while not os.path.exists("awake"):
        await asyncio.sleep(0.01)
def block():
    while not os.path.exists("open"):
        time.sleep(0.01)
async def application(scope, receive, send):
    if scope["path"] == "/rest":
        await rest()
    elif scope["path"] == "/block":
        block()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"ok"})
`, asASGI)
	done := make(chan answer, 2)
	go func() { done <- a.getAs("r1", "/rest") }()
	a.eventually("a task that waits", func() bool {
		found := a.located()
		return len(found) == 1 && !found[0].Blocks && found[0].Line == 5 && found[0].For > 0 &&
			strings.Contains(found[0].Stack, "in rest")
	})
	go func() { done <- a.get("/block") }()
	a.eventually("a loop that is blocked", func() bool {
		found := a.located()
		return len(found) == 1 && found[0].Blocks && found[0].Line == 8 && found[0].For > 0
	})
	a.open("awake")
	a.open("open")
	<-done
	<-done
}

func TestWorkerThatNamesPlacesUnaskedIsEnded(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import marshal, os, struct
def application(environ, start_response):
    payload = marshal.dumps([], 2)
    os.write(3, struct.pack("<IIBBH", len(payload), 0, 20, 0, 0) + payload)
    start_response("200 OK", [])
    return [b"ok"]
`)
	a.get("/")
	a.eventually("the end of the worker", func() bool {
		return strings.Contains(a.log.String(), "which it was not asked for")
	})
}
