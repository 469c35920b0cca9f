package python

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// newLoop returns a loop for one test.
func newLoop(t *testing.T) *eventloop.Loop {
	t.Helper()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loop.Close)
	return loop
}

// serveOnLoop serves a request as fronts do: on the loop if it is complete, and on this goroutine
// if it does not stay there.
func (a *app) serveOnLoop(w http.ResponseWriter, r *http.Request) {
	if a.runner.Loop() == nil || r.ContentLength < 0 || r.ContentLength > relay.AheadSize {
		a.runner.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.runner.ServeHTTP(w, r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	x := a.exchange(r, body, 20*time.Millisecond)
	select {
	case f := <-x.ends:
		f(w, r)
	case <-r.Context().Done():
		x.loop.Post(x.detach)
		(<-x.ends)(w, r)
	}
}

// exchange begins to serve a request on the loop, where it may stay for limit.
func (a *app) exchange(r *http.Request, body []byte, limit time.Duration) *testExchange {
	x := &testExchange{
		loop: a.runner.app.Loop, request: r, body: body, header: http.Header{},
		ends: make(chan func(http.ResponseWriter, *http.Request), 1),
	}
	x.loop.Post(func() {
		x.stay.Overdue = x.detach
		x.loop.NewLimit(limit).Begin(&x.stay)
		if !a.runner.ServeOnLoop(x) {
			x.Continue(a.runner.ServeHTTP)
		}
	})
	return x
}

// testExchange is a [modgw.LoopExchange] whose response another goroutine sends.
type testExchange struct {
	loop    *eventloop.Loop
	request *http.Request
	body    []byte
	header  http.Header
	owner   modgw.LoopOwner
	stay    eventloop.Stay
	over    bool
	whole   bool // it was answered on the loop
	ends    chan func(http.ResponseWriter, *http.Request)
}

func (x *testExchange) Loop() *eventloop.Loop { return x.loop }
func (x *testExchange) Request() (*http.Request, *modgw.RequestInfo) {
	return x.request, modgw.RequestInfoOf(x.request)
}
func (x *testExchange) Body() []byte                { return x.body }
func (x *testExchange) Header() http.Header         { return x.header }
func (x *testExchange) SetOwner(o modgw.LoopOwner)  { x.owner = o }
func (x *testExchange) MoveTo(*eventloop.Loop) bool { panic("a runner moves no exchange") }

func (x *testExchange) Respond(status int, body []byte) {
	x.whole = true
	header, body := x.header.Clone(), bytes.Clone(body)
	x.Continue(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		w.Write(body)
	})
}

func (x *testExchange) Begin(int, int) bool { return true }

// RespondFrom has another goroutine read the body, as for a slow client.
func (x *testExchange) RespondFrom(body modgw.LoopBody) {
	x.whole = true
	header, rest := x.header.Clone(), body.Reader(0)
	x.Continue(func(w http.ResponseWriter, _ *http.Request) {
		defer rest.Close()
		maps.Copy(w.Header(), header)
		io.Copy(w, rest)
	})
}

func (x *testExchange) Continue(serve func(http.ResponseWriter, *http.Request)) {
	if x.over {
		panic("the exchange ends twice")
	}
	x.over = true
	x.stay.End()
	x.ends <- serve
}

func (x *testExchange) detach() {
	if !x.over {
		x.owner.Detach()
	}
}

// waitingApp has one thread, and a request that keeps it until a gate opens.
func waitingApp(t *testing.T) (a *app, keeper chan answer) {
	a = serve(t, gates+`
def application(environ, start_response):
    if environ["PATH_INFO"] == "/keep":
        touch("kept")
        wait("gate")
    return ok(start_response, environ["REQUEST_METHOD"] + environ["PATH_INFO"])
`, withWorkers(1, 1))
	keeper = make(chan answer, 1)
	go func() { keeper <- a.get("/keep") }()
	a.eventually("the thread is kept", func() bool { return exists(a.path("kept")) })
	return a, keeper
}

// ask sends a request that does not share its thread with others, so that it waits in the queue.
func (a *app) ask(path, body string, limit time.Duration) *testExchange {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), "POST", path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	info := &modgw.RequestInfo{ID: path[1:], Path: path, PathInfo: path, RawTarget: path, Scheme: "http"}
	return a.exchange(r.WithContext(modgw.WithRequestInfo(r.Context(), info)), []byte(body), limit)
}

// answer waits for the response.
func (x *testExchange) answer() string {
	serve, w := <-x.ends, httptest.NewRecorder()
	serve(w, x.request)
	return w.Body.String()
}

func (a *app) awaitQueued(n int) {
	a.Helper()
	a.eventually("requests are queued", func() bool { return a.runner.Status().Queued == n })
}

func TestRequestsWaitForAThreadOnTheLoop(t *testing.T) {
	a, keeper := waitingApp(t)
	var asked []*testExchange
	for i := range 10 {
		asked = append(asked, a.ask(fmt.Sprintf("/%d", i), "", time.Hour))
	}
	a.awaitQueued(10)
	a.open("gate")
	<-keeper
	for i, x := range asked {
		if got := x.answer(); got != fmt.Sprintf("POST/%d", i) || !x.whole {
			t.Errorf("request %d got %q; on the loop: %t", i, got, x.whole)
		}
	}
}

func TestRequestThatWaitsForLongLeavesTheLoopAndKeepsItsPlace(t *testing.T) {
	a, keeper := waitingApp(t)
	first := a.ask("/first", "", time.Millisecond)
	served := make(chan string, 2)
	go func() { served <- first.answer() }()
	a.eventually("the first one waits on a goroutine", func() bool {
		left := make(chan bool, 1)
		first.loop.Post(func() { left <- first.over })
		return <-left && a.runner.Status().Queued == 1
	})
	second := a.ask("/second", "", time.Hour)
	a.awaitQueued(2)
	a.open("gate")
	<-keeper
	if got := <-served; got != "POST/first" || first.whole {
		t.Errorf("the first one got %q; on the loop: %t", got, first.whole)
	}
	if got := second.answer(); got != "POST/second" || !second.whole {
		t.Errorf("the second one got %q; on the loop: %t", got, second.whole)
	}
}

func TestRequestsThatWaitOnTheLoopAreRefusedWhenTheAppStops(t *testing.T) {
	a, _ := waitingApp(t)
	x := a.ask("/x", "", time.Hour)
	a.awaitQueued(1)
	ended := make(chan struct{})
	go func() {
		a.runner.Stop(a.Context())
		close(ended)
	}()
	serve, w := <-x.ends, httptest.NewRecorder()
	serve(w, x.request)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
	a.open("gate")
	<-ended
	a.stopped = true
}

func TestASGIRequestIsServedOnTheLoop(t *testing.T) {
	a := serve(t, `
async def application(scope, receive, send):
    assert scope["type"] == "http"
    body = (await receive())["body"]
    if scope["path"] == "/slow":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"more"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode() + body})
`, asASGI)
	for path, want := range map[string]string{"/quick": "/quickbody", "/slow": "bodymore"} {
		x := a.ask(path, "body", time.Hour)
		if got := x.answer(); got != want || x.whole != (path == "/quick") {
			t.Errorf("%s: got %q; on the loop: %t", path, got, x.whole)
		}
	}
}
