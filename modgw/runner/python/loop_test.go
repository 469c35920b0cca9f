package python

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// newLoop is a loop for one test.
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
	if a.runner.app.Loop == nil || r.ContentLength < 0 || r.ContentLength > relay.AheadSize {
		a.runner.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.runner.ServeHTTP(w, r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	x := &testExchange{loop: a.runner.app.Loop, request: r, body: body, header: http.Header{}, ends: make(chan func(http.ResponseWriter, *http.Request), 1)}
	x.loop.Post(func() {
		limit := x.loop.NewLimit(20 * time.Millisecond)
		x.stay.Overdue = func() { x.detach() }
		limit.Begin(&x.stay)
		if !a.runner.ServeOnLoop(x) {
			x.Continue(a.runner.ServeHTTP)
		}
	})
	select {
	case f := <-x.ends:
		f(w, r)
	case <-r.Context().Done():
		x.loop.Post(x.detach)
		(<-x.ends)(w, r)
	}
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
	ends    chan func(http.ResponseWriter, *http.Request)
}

func (x *testExchange) Loop() *eventloop.Loop { return x.loop }
func (x *testExchange) Request() (*http.Request, *modgw.RequestInfo) {
	return x.request, modgw.RequestInfoOf(x.request)
}
func (x *testExchange) Body() []byte               { return x.body }
func (x *testExchange) Header() http.Header        { return x.header }
func (x *testExchange) SetOwner(o modgw.LoopOwner) { x.owner = o }

func (x *testExchange) Respond(status int, body []byte) {
	header, body := x.header.Clone(), bytes.Clone(body)
	x.Continue(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		w.Write(body)
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
