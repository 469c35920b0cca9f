package python

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// crashing is an app of both kinds that notes its requests, and that /crash ends by a wild pointer.
const crashing = gates + `
import ctypes
def note(method, path):
    with open(os.path.join(ROOT, "ledger"), "a") as f:
        f.write(method + path + "\n")
    if path == "/crash":
        ctypes.string_at(0)
def application(environ, start_response):
    note(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    return ok(start_response, str(os.getpid()))
async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no " + scope["type"])
    note(scope["method"], scope["path"])
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"up"})
`

// kinds are the ways in which a Python app is run.
var kinds = map[string]func(*testing.T, string, ...func(*modgw.Descriptor)) *app{
	"threads":  serve,
	"template": withTemplate,
	"gevent":   serveGreen,
	"asgi": func(t *testing.T, source string, change ...func(*modgw.Descriptor)) *app {
		entry := func(d *modgw.Descriptor) { d.ASGI.Entry = "hello:asgi" }
		return serve(t, source, append([]func(*modgw.Descriptor){asASGI, entry}, change...)...)
	},
}

// several sets the number of workers of an app of any kind.
func several(n int) func(*modgw.Descriptor) {
	return func(d *modgw.Descriptor) {
		if d.ASGI != nil {
			d.ASGI.Workers = n
			return
		}
		d.WSGI.Workers = n
	}
}

// It also costs no other requests anything, however often it comes.
func TestRequestThatCrashesAWorkerIsNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for kind, serve := range kinds {
		t.Run(kind, func(t *testing.T) {
			a := serve(t, crashing, several(2))
			a.crashIsNamed()
			a.crashesCostNoOther()
		})
	}
}

// crashIsNamed makes the first request that crashes a worker.
func (a *app) crashIsNamed() {
	a.Helper()
	r, err := http.NewRequest("GET", a.server.URL+"/crash", nil)
	if err != nil {
		a.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "culprit")
	if got := a.send(r); got.status != 502 || !strings.Contains(a.log.String(), "SIGSEGV") {
		a.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	if ledger, err := os.ReadFile(a.path("ledger")); err != nil || string(ledger) != "GET/crash\n" {
		a.Errorf("the app saw %q, %v", ledger, err)
	}
	a.eventually("name of the request", func() bool {
		crash := a.runner.Status().Crash
		return crash != nil && len(crash.Requests) == 1 && crash.PID > 0 && strings.Contains(crash.Reason, "SIGSEGV") &&
			crash.Requests[0] == modgw.SuspectRequest{Request: "culprit", Method: "GET", Path: "/crash"}
	})
	a.eventually("record of the crash", func() bool { return a.log.Count(`msg="worker crashed with a request"`) > 0 })
	if n := a.log.Count(`msg="worker crashed with a request"`); n != 1 || a.log.Count("request=culprit method=GET path=/crash") == 0 {
		a.Errorf("logged %d times", n)
	}
}

// crashesCostNoOther crashes workers again and again, after a first crash.
func (a *app) crashesCostNoOther() {
	a.Helper()
	for range 4 {
		if got := a.get("/crash"); got.status != 502 {
			a.Fatalf("the crash got %d %q", got.status, got.body)
		}
		var others sync.WaitGroup
		for range 8 {
			others.Go(func() {
				if got := a.do("POST", "/", strings.NewReader("order")); got.status != 200 {
					a.Errorf("another request got %d %q, %v", got.status, got.body, got.err)
				}
			})
		}
		others.Wait()
	}
	if n := a.runner.Status().Restarts; n > 5 {
		a.Errorf("%d restarts after 5 crashes", n)
	}
}

func TestAbandonedRequestThatCrashesIsNamed(t *testing.T) {
	t.Parallel()
	for kind, serve := range kinds {
		t.Run(kind, func(t *testing.T) {
			a := serve(t, crashing+`
def note(method, path):
    touch("began")
    wait("go")
    ctypes.string_at(0)
`, several(1))
			conn := dialRequest(t, a, "GET /late HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone\r\n\r\n")
			a.eventually("request", func() bool { return exists(a.path("began")) })
			conn.Close()
			a.eventually("abandoned request", func() bool { return a.log.Count("request abandoned") == 1 })
			a.open("go")
			a.eventually("name of the request", func() bool {
				crash := a.runner.Status().Crash
				return crash != nil && len(crash.Requests) == 1 && crash.Requests[0].Request == "gone"
			})
		})
	}
}

// dialRequest sends a request on a new connection.
func dialRequest(t *testing.T, a *app, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", a.server.Listener.Addr().String())
	if err == nil {
		_, err = conn.Write([]byte(request))
	}
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestKilledWorkersLoseOnlyWhatTheyHave keeps an account of requests while one worker after the
// other is killed.
func TestKilledWorkersLoseOnlyWhatTheyHave(t *testing.T) {
	t.Parallel()
	const clients, kills = 4, 3
	for kind, serve := range kinds {
		t.Run(kind, func(t *testing.T) {
			a := serve(t, gates+`
def note(query):
    with open(os.path.join(ROOT, "ledger"), "a") as f:
        f.write(query + "\n")
def application(environ, start_response):
    note(environ["QUERY_STRING"])
    return ok(start_response, environ["QUERY_STRING"])
async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no " + scope["type"])
    note(scope["query_string"].decode())
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": scope["query_string"]})
`, several(2))
			var book bookkeeping
			var asking sync.WaitGroup
			for client := range clients {
				asking.Go(func() { book.ask(a, client) })
			}
			killed := map[int]bool{}
			for n := range kills {
				a.eventually("workers", func() bool { return a.pid(1) != 0 && a.pid(2) != 0 })
				// a request that was in flight at one kill is not at the next
				book.await(a, clients, 3)
				pid := a.pid(1 + n%2)
				if killed[pid] {
					t.Fatalf("worker %d has the pid of one that was killed", 1+n%2)
				}
				killed[pid] = true
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
			book.await(a, clients, 3)
			book.end()
			asking.Wait()
			book.settle(t, a, clients*kills)
		})
	}
}

// clientPause is the pause between two requests of a client that waits for an event.
const clientPause = 10 * time.Millisecond

// bookkeeping has requests and their ends.
type bookkeeping struct {
	mu     sync.Mutex
	done   bool
	gets   []string // paths that failed
	orders []string // POST requests that failed
	told   map[string]bool
	asked  map[int]int // answers of any kind, by the client
}

func (b *bookkeeping) ask(a *app, client int) {
	// a client without pauses uses the time that new workers need to start
	for n := 0; !b.over(); n++ {
		time.Sleep(clientPause)
		method := [...]string{"GET", "POST"}[n%2]
		id := fmt.Sprintf("%s-%d-%d", method, client, n)
		got := a.do(method, "/?"+id, nil)
		b.mu.Lock()
		if b.asked == nil {
			b.asked, b.told = map[int]int{}, map[string]bool{}
		}
		b.asked[client]++
		switch {
		case got.err == nil && got.status == 200 && got.body == id:
			b.told[id] = true
		case method == "GET":
			b.gets = append(b.gets, fmt.Sprintf("%s: %d %q %v", id, got.status, got.body, got.err))
		default:
			b.orders = append(b.orders, fmt.Sprintf("%s: %d %q %v", id, got.status, got.body, got.err))
		}
		b.mu.Unlock()
	}
}

func (b *bookkeeping) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done
}

func (b *bookkeeping) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
}

// await waits until each client has got n more answers.
func (b *bookkeeping) await(a *app, clients, n int) {
	a.Helper()
	count := func(client int) int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.asked[client]
	}
	for client := range clients {
		before := count(client)
		a.eventually("answers", func() bool { return count(client) >= before+n })
	}
}

// settle checks that each request got its answer, but for orders in flight on a worker that was
// killed, and that no order was executed twice.
func (b *bookkeeping) settle(t *testing.T, a *app, inFlight int) {
	t.Helper()
	for _, failed := range b.gets {
		t.Error("lost", failed)
	}
	if len(b.orders) > inFlight {
		t.Errorf("%d orders failed, and at most %d were in flight: %q", len(b.orders), inFlight, b.orders)
	}
	ledger, err := os.ReadFile(a.path("ledger"))
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for id := range strings.FieldsSeq(string(ledger)) {
		times[id]++
		if times[id] > 1 && strings.HasPrefix(id, "POST") {
			t.Errorf("%s was executed %d times", id, times[id])
		}
	}
	for id := range b.told {
		if times[id] == 0 {
			t.Errorf("%s was answered and not executed", id)
		}
	}
	if strings.Contains(a.log.String(), "panic") {
		t.Error("there was a panic")
	}
}
