// Package looptest provides handlers that tests of fronts serve on an event loop.
package looptest

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
)

// Handler serves every request on the loop until the request has to leave. Then, and for requests
// that were never on the loop, its http.Handler serves; nil: Describe.
type Handler struct {
	http.Handler

	// Home is the loop on which it serves, and to which exchanges on other loops move; nil: any.
	Home *eventloop.Loop

	// Answer is called in a later turn of the loop; nil: the exchange waits until it has to leave.
	Answer func(modgw.LoopExchange)

	OnLoop atomic.Int64 // number of exchanges that were begun on the loop
	Left   atomic.Int64 // number of these exchanges that had to leave it
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.Handler == nil {
		Describe(w, r)
		return
	}
	h.Handler.ServeHTTP(w, r)
}

// ServeOnLoop implements [modgw.LoopHandler]. It panics when the header has X-Panic.
func (h *Handler) ServeOnLoop(x modgw.LoopExchange) bool {
	if h.Home != nil && h.Home != x.Loop() {
		return x.MoveTo(h.Home)
	}
	h.OnLoop.Add(1)
	o := &owner{handler: h, exchange: x}
	x.SetOwner(o)
	if r, _ := x.Request(); r.Header.Get("X-Panic") != "" {
		panic("on purpose")
	}
	x.Loop().Post(func() {
		if !o.left && h.Answer != nil {
			h.Answer(x)
		}
	})
	return true
}

type owner struct {
	handler  *Handler
	exchange modgw.LoopExchange
	left     bool
}

// Detach implements [modgw.LoopOwner].
func (o *owner) Detach() {
	o.left = true
	o.handler.Left.Add(1)
	o.exchange.Continue(o.handler.ServeHTTP)
}

// Describe answers with method, path, X-Number and body of the request.
func Describe(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, _ = io.WriteString(w, describe(r, body))
}

// DescribeOnLoop is like Describe, for a Handler's Answer.
func DescribeOnLoop(x modgw.LoopExchange) {
	r, _ := x.Request()
	body := describe(r, x.Body())
	x.Header()["Content-Length"] = []string{fmt.Sprint(len(body))}
	x.Respond(http.StatusOK, []byte(body))
}

func describe(r *http.Request, body []byte) string {
	path, number := modgw.RequestInfoOf(r).Path, r.Header.Get("X-Number")
	return fmt.Sprintf("%s %s %s %s", r.Method, path, number, body)
}

// Declining serves no exchanges on the loop.
type Declining struct{ http.Handler }

// ServeOnLoop implements [modgw.LoopHandler].
func (Declining) ServeOnLoop(modgw.LoopExchange) bool { return false }

// OnLoop returns h as a LoopHandler.
func OnLoop(h http.Handler) http.Handler {
	if _, ok := h.(modgw.LoopHandler); ok {
		return h
	}
	return Declining{h}
}

// Loops returns two loops for a front. If h is a Handler, it serves on the first. The first
// connection begins on the second. Close the loops when no connection is left.
func Loops(t testing.TB, h http.Handler) []*eventloop.Loop {
	t.Helper()
	loops := []*eventloop.Loop{NewLoop(t), NewLoop(t)}
	if h, ok := h.(*Handler); ok {
		h.Home = loops[0]
	}
	return loops
}

// Close closes loops.
func Close(loops []*eventloop.Loop) {
	for _, l := range loops {
		l.Close()
	}
}

// NewLoop starts a loop. Close it when no connection is left.
func NewLoop(t testing.TB) *eventloop.Loop {
	t.Helper()
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	return loop
}
