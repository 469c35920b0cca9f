package python

import (
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

func TestF7LoopThatStaysBlockedCostsItsWorker(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"block": `time.sleep(1000)`}), asASGI, func(d *modgw.Descriptor) {
		d.Timeouts.Request, d.Timeouts.Stop = 500*time.Millisecond, 100*time.Millisecond
	})
	blocked := a.pid(1)
	if got := a.get("/block"); got.status != 504 {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if got := a.get("/"); got.status != 504 && got.body != "up" {
		t.Errorf("behind it: %d %q", got.status, got.body)
	}
	a.eventually("another worker", func() bool { pid := a.pid(1); return pid != 0 && pid != blocked })
	a.eventually("end of the blocked one", func() bool { return !alive(blocked) })
	if got := a.get("/"); got.body != "up" {
		t.Errorf("afterwards: %d %q", got.status, got.body)
	}
	if !strings.Contains(a.log.String(), "time.sleep(1000)") {
		t.Error("the log does not show what blocks the loop")
	}
}

// lifespan returns an app that runs the given code at its start and end, and answers "up".
func lifespan(startup, shutdown string) string {
	return asgiGates + `
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        ` + startup + `
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        ` + shutdown + `
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"up"})
`
}

func TestF19StartupThatFailsIsNoStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ startup, told string }{
		"says so": {`return await send({"type": "lifespan.startup.failed", "message": "no database"})`, "no database"},
		"raises":  {`raise OSError("no database")`, "no database"},
		"exits":   {`raise SystemExit(3)`, "3"},
		"hangs":   {`await asyncio.sleep(1000)`, "within 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			a := prepare(t, lifespan(c.startup, "pass"), asASGI, func(d *modgw.Descriptor) {
				d.Timeouts.Startup = 10 * time.Second
				if name == "hangs" {
					d.Timeouts.Startup = 2 * time.Second
				}
			})
			if fault := a.failsToStart(); !strings.Contains(fault.Error(), c.told) {
				t.Errorf("it is told %v", fault)
			}
		})
	}
}

func TestF19ShutdownThatFailsOrHangsIsTheEndAllTheSame(t *testing.T) {
	t.Parallel()
	for name, shutdown := range map[string]string{
		"says so": `return await send({"type": "lifespan.shutdown.failed", "message": "stuck"})`,
		"raises":  `raise OSError("stuck")`,
		"returns": `return`,
		"hangs":   `await asyncio.sleep(1000)`,
		"blocks":  `time.sleep(1000)`,
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, lifespan("pass", shutdown), asASGI, func(d *modgw.Descriptor) { d.Timeouts.Stop = 300 * time.Millisecond })
			if got := a.get("/"); got.body != "up" {
				t.Errorf("got %d %q", got.status, got.body)
			}
			pid := a.pid(1)
			a.runner.Stop(t.Context())
			a.stopped = true
			if alive(pid) {
				t.Error("the worker is left")
			}
		})
	}
}

func TestF19AppThatKnowsNoLifespanIsServed(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"raises":  `raise NotImplementedError`,
		"returns": `return`,
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, strings.Replace(lifespan("pass", "pass"), `assert (await receive())["type"] == "lifespan.startup"`, source, 1), asASGI)
			if got := a.get("/"); got.body != "up" {
				t.Errorf("got %d %q", got.status, got.body)
			}
		})
	}
}

func TestLifespanThatHangsNamesItsPlace(t *testing.T) {
	t.Parallel()
	a := prepare(t, `
import asyncio, contextlib
async def connect():
    await asyncio.sleep(3600)
@contextlib.asynccontextmanager
async def database():
    await connect()
    yield
async def application(scope, receive, send):
    await receive()
    async with database():
        pass
`, asASGI, func(d *modgw.Descriptor) { d.Timeouts.Startup = 20 * time.Second })
	fault := a.failsToStart()
	if text := fault.Error(); !faulttest.Has(fault.Error(), "MGW-APP-033") || !strings.Contains(text, "hello.py:4: await asyncio.sleep(3600)") {
		t.Errorf("%s %v", fault.Code, fault)
	}
	if !strings.Contains(fault.Output, "async with database()") {
		t.Errorf("the stack is %q", fault.Output)
	}
}

func TestLifespanIsAskedForAsTheDescriptorSays(t *testing.T) {
	t.Parallel()
	const source = `
async def application(scope, receive, send):
    assert scope["type"] == "http", "knows nothing of it"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"up"})
`
	for _, mode := range []modgw.Lifespan{modgw.LifespanAuto, modgw.LifespanOff, modgw.LifespanOn} {
		t.Run(string(mode), func(t *testing.T) {
			a := prepare(t, source, asASGI, func(d *modgw.Descriptor) { d.ASGI.Lifespan = mode })
			if mode == modgw.LifespanOn {
				if fault := a.failsToStart(); !faulttest.Has(fault.Error(), "MGW-APP-021") || !strings.Contains(fault.Error(), "hello.py:3)") {
					t.Errorf("%s %v", fault.Code, fault)
				}
				return
			}
			if err := a.runner.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.listen()
			if got := a.get("/"); got.body != "up" {
				t.Errorf("got %d %q", got.status, got.body)
			}
		})
	}
}

func TestASGIBodyLongerThanItsLengthIsSeen(t *testing.T) {
	t.Parallel()
	const start = `await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})` + "\n"
	a := serve(t, asgiCases(map[string]string{
		"whole":  start + `await body(b"longer")`,
		"pieces": start + `await body(b"abc", True); await asyncio.sleep(0.05); await body(b"def")`,
		"file":   start + `await send({"type": "http.response.pathsend", "path": __file__})`,
		"head":   start + `await body(b"")`,
	}), asASGI)
	for _, path := range []string{"/whole", "/pieces", "/file"} {
		before := a.log.Count("its body is longer than its Content-Length of 5 bytes")
		// A client sends GET again when its connection ends before anything of an answer came.
		got := a.do("POST", path, nil)
		if got.err == nil && got.status != 500 || got.body == "longe" || got.body == "abcde" {
			t.Errorf("%s looks complete: %d %q", path, got.status, got.body)
		}
		if path == "/whole" && got.status != 500 {
			t.Errorf("%s: got %d %q, %v", path, got.status, got.body, got.err)
		}
		if lines := a.log.Count("its body is longer than its Content-Length of 5 bytes") - before; lines != 1 {
			t.Errorf("%s: %d lines in the log", path, lines)
		}
	}
	if got := a.do("HEAD", "/head", nil); got.status != 200 || got.header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: %d %v", got.status, got.header)
	}
}
