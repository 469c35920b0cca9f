package modgw

import (
	"bytes"
	"io"
	"maps"
	"net/http"

	"github.com/modgw/modgw/internal/eventloop"
)

// LoopExchange is a request that is complete, body included, and is served on the event loop of a
// front: without a goroutine, until anything about it is not ordinary. All methods are called on
// the loop.
type LoopExchange interface {
	// Loop is where the exchange is.
	Loop() *eventloop.Loop

	// Request is the request. Its Body is not to be read here. Like all that it has, it is valid
	// until Respond returns, or Continue is called; the front may use its memory for the next one
	// then.
	Request() (*http.Request, *RequestInfo)

	// Body is the request's body, valid like the request.
	Body() []byte

	// Header returns the header of the response, which is initially empty.
	Header() http.Header

	// Respond ends the exchange with a whole response. When it has returned, the header's lists and
	// the body are the caller's again.
	Respond(status int, body []byte)

	// Begin makes the head of a response that RespondFrom ends the exchange with, next. It reports
	// false when the front cannot send so many bytes of a body from where they are.
	Begin(status int, length int) bool

	// RespondFrom is Respond after Begin with a body that stays where it is until it was sent.
	RespondFrom(LoopBody)

	// Continue moves the exchange to a goroutine and calls serve there, as if that was the handler
	// of the request, whose body can be read again. It ends the exchange on the loop.
	Continue(serve func(http.ResponseWriter, *http.Request))

	// MoveTo moves the exchange to another loop, where the handler is called again. It ends the
	// exchange on this loop, and may only be called within ServeOnLoop. It reports false, and does
	// nothing, if the front does not serve on that loop.
	MoveTo(*eventloop.Loop) bool

	// SetOwner sets the owner whose Detach is called when the exchange must leave the loop, because
	// the client has gone, or because it has been there for long.
	SetOwner(LoopOwner)
}

// LoopBody is the body of a response that is sent from where it is.
type LoopBody interface {
	// AppendPieces appends the pieces of the body, none of them empty. They are valid until
	// Release.
	AppendPieces([][]byte) [][]byte

	// Release reports that the pieces are not used any more.
	Release()

	// Reader returns the bytes after the first sent ones, for a goroutine. Bytes that it reads
	// ahead of a slow client are kept. Closing it has the effect of Release.
	Reader(sent int) io.ReadCloser
}

// LoopOwner serves an exchange.
type LoopOwner interface {
	// Detach calls Continue.
	Detach()
}

// LoopHandler is a handler that serves ordinary requests on an event loop.
type LoopHandler interface {
	http.Handler

	// ServeOnLoop begins to serve an exchange, if it can be begun without waiting for anything, and
	// returns true; SetOwner or MoveTo was called then. Later, or during SetOwner at the earliest,
	// it ends by Respond or Continue. If it returns false, nothing was done, and the request is one
	// for ServeHTTP.
	ServeOnLoop(LoopExchange) bool
}

var _ LoopHandler = (*Gateway)(nil)

// LoopRunner is a runner that serves ordinary requests on one event loop, which is the same for all
// generations of an app. It does not call MoveTo.
type LoopRunner interface {
	LoopHandler

	// Loop is where ServeOnLoop is called; nil: nowhere.
	Loop() *eventloop.Loop
}

// ServeOnLoop implements [LoopHandler] for apps whose runner does. Requests that need a decision
// other than about the app and its generation are left to ServeHTTP.
func (g *Gateway) ServeOnLoop(x LoopExchange) bool {
	r, info := x.Request()
	if info.Authorizer {
		return false
	}
	app, fault := g.route(r, info)
	if fault != nil {
		return false
	}
	generation := app.current.Load()
	if generation == nil {
		return false
	}
	runner, ok := generation.runner.(LoopRunner)
	if !ok {
		return false
	}
	switch loop := runner.Loop(); {
	case loop == nil:
		return false
	case loop != x.Loop():
		return x.MoveTo(loop)
	case !generation.countIn():
		return false
	}
	if a, _ := generation.findAlias(info); a != nil {
		generation.countOut()
		return false
	}
	if info.ID == "" {
		info.ID = newRequestID()
	}
	info.gateway, info.app, info.generation = g, app, generation
	g.callBegun(r, info)
	info.exchange = gatewayExchange{x, app, generation}
	if !runner.ServeOnLoop(&info.exchange) {
		info.exchange = gatewayExchange{}
		generation.countOut()
		return false
	}
	app.countRequest(generation)
	return true
}

// gatewayExchange is an exchange that counts for a generation of an app. The info of its request
// has its memory.
type gatewayExchange struct {
	LoopExchange
	app        *App
	generation *Generation
}

// Respond implements [LoopExchange].
func (e *gatewayExchange) Respond(status int, body []byte) {
	if e.isUnusual(status) {
		RespondElsewhere(e, status, body)
		return
	}
	e.count(status, len(body))
	x, generation := e.LoopExchange, e.generation
	*e = gatewayExchange{}
	x.Respond(status, body)
	generation.countOut()
}

// RespondElsewhere sends a response of a request on the loop on a goroutine.
func RespondElsewhere(x LoopExchange, status int, body []byte) {
	header, body := x.Header().Clone(), bytes.Clone(body)
	x.Continue(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write(body) // a client that has gone needs no answer
	})
}

// Begin implements [LoopExchange].
func (e *gatewayExchange) Begin(status, length int) bool {
	if e.isUnusual(status) || !e.LoopExchange.Begin(status, length) {
		return false
	}
	e.count(status, length)
	return true
}

// count counts the request, whose response is about to be sent.
func (e *gatewayExchange) count(status, length int) {
	r, info := e.Request()
	info.received = int64(len(e.Body()))
	outcome := info.outcome(status, int64(length))
	info.gateway.end(r, info, &outcome, false)
}

// RespondFrom implements [LoopExchange].
func (e *gatewayExchange) RespondFrom(body LoopBody) {
	x, generation := e.LoopExchange, e.generation
	*e = gatewayExchange{}
	x.RespondFrom(body)
	generation.countOut()
}

// isUnusual reports whether the gateway has something to do with a response, which it does on a
// goroutine.
func (e *gatewayExchange) isUnusual(status int) bool {
	header := e.Header()
	return status >= http.StatusInternalServerError || header[sendfileHeader] != nil || header[accelHeader] != nil
}

// Continue implements [LoopExchange].
func (e *gatewayExchange) Continue(serve func(http.ResponseWriter, *http.Request)) {
	x, app, generation := e.LoopExchange, e.app, e.generation
	*e = gatewayExchange{}
	_, info := x.Request()
	info.received = int64(len(x.Body()))
	x.Continue(func(w http.ResponseWriter, r *http.Request) {
		info := RequestInfoOf(r)
		defer func() { info.generation.countOut() }() // it may have moved to another one
		info.gateway.observeEnd(w, r, info, func(w http.ResponseWriter) { app.serve(w, r, info, generation, serve) })
	})
}
