package python

import (
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// measuredBy returns the measurements of the first worker.
func (a *app) measuredBy() modgw.InterpreterStatus {
	a.Helper()
	if s := a.runner.Status().Workers[0].Interpreter; s != nil {
		return *s
	}
	a.Fatal("the worker has measured nothing")
	return modgw.InterpreterStatus{}
}

func TestWorkerMeasuresWhatKeepsItsRequestsWaiting(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import gc, os, threading, time
met = threading.Barrier(3, timeout=60)
def application(environ, start_response):
    if environ["PATH_INFO"] == "/collect":
        gc.collect()
    if environ["PATH_INFO"] == "/fork":
        pid = os.fork()
        if pid == 0:
            for _ in range(1000):
                gc.collect(0)
            os._exit(0)
        os.waitpid(pid, 0)
    if environ["PATH_INFO"] == "/compute":
        met.wait()
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sum(range(1000))
    start_response("200 OK", [])
    return [b"ok"]
`, func(d *modgw.Descriptor) { d.WSGI.Threads = 3 })
	before := a.measuredBy()
	if before.GC == nil || before.Loop != nil {
		t.Fatalf("%+v", before)
	}
	a.get("/collect")
	watchtest.Eventually(t, "a pause", func() bool { return a.measuredBy().GC.Since(*before.GC).Count > 0 })
	a.get("/fork")
	if n := a.measuredBy().GC.Since(*before.GC).Count; n > 500 {
		t.Errorf("%d pauses, with those of a child", n)
	}
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() { a.get("/compute") })
	}
	clients.Wait()
	gil := a.measuredBy().GIL
	if gil == nil || gil.Beyond(1) == 0 || gil.Seconds == 0 {
		t.Errorf("three threads that compute wait for the lock: %+v", gil)
	}
}

func TestWorkerMeasuresHowLateItsEventLoopIs(t *testing.T) {
	t.Parallel()
	a := serve(t, `
import time
async def application(scope, receive, send):
    if scope["type"] == "http":
        time.sleep(0.6)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ok"})
`, asASGI)
	a.get("/")
	watchtest.Eventually(t, "the lag", func() bool {
		s := a.measuredBy()
		return s.GIL == nil && s.Loop != nil && s.Loop.Beyond(4) == 1 && s.Loop.Longest > 0.4
	})
}
