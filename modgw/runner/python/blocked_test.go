package python

import (
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// blocking is an app of all kinds whose /block never ends and blocks its thread completely.
const blocking = gates + `
import ctypes
usleep = ctypes.CDLL(None).usleep # gevent does not replace it
def block(path):
    if path == "/block":
        touch("began-%d" % os.getpid())
        while not os.path.exists(os.path.join(ROOT, "go")):
            usleep(2000)
def application(environ, start_response):
    block(environ["PATH_INFO"])
    return ok(start_response, str(os.getpid()))
async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no " + scope["type"])
    block(scope["path"])
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
`

// abandon requests /block, and hangs up as soon as it is executed. It returns the worker's PID.
func abandon(t *testing.T, a *app) (pid int) {
	t.Helper()
	conn := dialRequest(t, a, "GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
	a.eventually("blocking request", func() bool {
		for _, w := range a.runner.Status().Workers {
			if exists(a.path("began-" + itoa(w.PID))) {
				pid = w.PID
			}
		}
		return pid != 0
	})
	conn.Close()
	return pid
}

func TestWorkerThatHangsIsReplacedThoughItsClientHasGone(t *testing.T) {
	t.Parallel()
	for kind, serve := range kinds {
		t.Run(kind, func(t *testing.T) {
			a := serve(t, blocking, several(1), func(d *modgw.Descriptor) {
				d.Timeouts.Request, d.Timeouts.Drain, d.Timeouts.Stop = 2*time.Second, 100*time.Millisecond, 100*time.Millisecond
				if d.WSGI != nil && d.WSGI.Threads > 0 {
					d.WSGI.Threads = 1
				}
			})
			hung := abandon(t, a)
			a.eventually("another worker", func() bool { pid := a.pid(1); return pid != 0 && pid != hung })
			a.eventually("end of the one that hung", func() bool { return !alive(hung) })
			for range 10 {
				if got := a.get("/"); got.status != 200 {
					t.Errorf("got %d %q, %v", got.status, got.body, got.err)
				}
			}
		})
	}
}

func TestWorkerWhoseLoopIsBlockedGetsNoRequests(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"asgi", "gevent"} {
		t.Run(kind, func(t *testing.T) {
			a := kinds[kind](t, blocking, several(2))
			blocked := abandon(t, a)
			a.eventually("notice of the blocked loop", func() bool { return a.log.Count("worker gets no requests for now") == 1 })
			var asking sync.WaitGroup
			for range 20 {
				asking.Go(func() {
					if got := a.get("/"); got.status != 200 || got.body == itoa(blocked) {
						t.Errorf("got %d %q, %v", got.status, got.body, got.err)
					}
				})
			}
			asking.Wait()
			a.open("go")
			a.eventually("word that it goes on", func() bool { return a.log.Count("worker gets requests again") == 1 })
			a.eventually("answer of the one that was blocked", func() bool { return a.get("/").body == itoa(blocked) })
			if n := a.runner.Status().Restarts; n != 0 || !alive(blocked) {
				t.Errorf("%d restarts", n)
			}
		})
	}
}

func TestRequestsThatWaitForABlockedLoopGetAnotherWorker(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"asgi", "gevent"} {
		t.Run(kind, func(t *testing.T) {
			a := kinds[kind](t, blocking, several(1), func(d *modgw.Descriptor) {
				d.Timeouts.Drain, d.Timeouts.Stop = 100*time.Millisecond, 100*time.Millisecond
			})
			blocked := abandon(t, a)
			a.eventually("notice of the blocked loop", func() bool { return a.log.Count("worker gets no requests for now") == 1 })
			if got := a.get("/"); got.status != 200 || got.body == itoa(blocked) {
				t.Errorf("got %d %q, %v", got.status, got.body, got.err)
			}
			a.eventually("end of the blocked one", func() bool { return !alive(blocked) })
		})
	}
}
