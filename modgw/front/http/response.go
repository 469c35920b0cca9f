package http

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/metavars"
)

// response keeps what a handler says within what may be sent.
type response struct {
	http.ResponseWriter
	server  *Server
	request *http.Request
	body    *body // of the request; nil without one
	begun   bool  // the head is on its way
	closing bool  // the connection ends with this response
	err     error // what writes return

	conn     *conn
	hijacked bool // it is the handler's
}

// WriteHeader sends the response's head, after early hints perhaps. Other informational responses are dropped, but for the
// switch to another protocol.
func (w *response) WriteHeader(status int) {
	switch {
	case w.begun:
		return
	case status == http.StatusEarlyHints:
		w.hint()
		return
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		return
	}
	if f := w.body.fault(); f != nil {
		w.err = f
		clear(w.Header())
		w.answer(http.StatusBadRequest, f) // whatever the app makes of half a body
		return
	}
	if status != http.StatusSwitchingProtocols {
		if err := metavars.CheckHead(status, w.Header()); err != nil {
			w.err = err
			f := err.(*modgw.Fault)
			clear(w.Header())
			w.refuse(http.StatusInternalServerError, f)
			return
		}
		// So says a handler that has left a part of the request's body in the connection.
		w.closing = w.closing || strings.EqualFold(w.Header().Get("Connection"), "close")
		metavars.StripHopByHop(w.Header())
		if w.closing && w.request.ProtoMajor == 1 {
			w.Header().Set("Connection", "close")
		}
		if _, ok := w.Header()["Content-Type"]; !ok {
			w.Header()["Content-Type"] = nil // net/http would guess one from the body (CVE-2020-24553)
		}
	}
	if len(w.Header()["Content-Length"]) == 0 && status != http.StatusNoContent && status != http.StatusNotModified &&
		metavars.GathersStreams(modgw.RequestInfoOf(w.request).ServerSoftware, w.Header()) {
		w.Header().Set(metavars.BufferingName, metavars.BufferingValue)
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// hint sends what the header has so far as early hints, to clients that know them (RFC 8297). A client of HTTP/1.0 would take
// them for the response, and what may not be in a response may not be in them.
func (w *response) hint() {
	if !w.request.ProtoAtLeast(1, 1) || metavars.CheckHead(http.StatusOK, w.Header()) != nil {
		return
	}
	metavars.StripHopByHop(w.Header())
	w.ResponseWriter.WriteHeader(http.StatusEarlyHints)
	_ = w.conn.flush() // the next write tells
}

// inTime bounds what is sent until the func that it returns is called: over HTTP/2, where a client can make one response
// wait and not the connection. Over HTTP/1 the connection does it.
func (w *response) inTime() (sent func()) {
	if w.request.ProtoMajor != 2 {
		return func() {}
	}
	control := http.NewResponseController(w.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(w.server.config.WriteTimeout)) // there is no error with HTTP/2
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

// Write sends p.
func (w *response) Write(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	defer w.inTime()()
	return w.ResponseWriter.Write(p)
}

// ReadFrom sends all of src.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if !w.begun {
		// src may be the request's body, which some clients do not send before they are told to: by reading it, and not after
		// the head of a response.
		if n, err = io.CopyN(writerOnly{w}, src, firstPiece); err != nil {
			return n, ended(err)
		}
	}
	if err := w.begin(); err != nil {
		return n, err
	}
	to := io.Writer(w.ResponseWriter)
	if w.request.ProtoMajor == 2 {
		to = writerOnly{w} // each write in time
	}
	m, err := io.Copy(to, src)
	return n + m, err
}

// firstPiece is how much is read before a response begins.
const firstPiece = 512

// ended is the error of a copy that may end early.
func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// Flush sends what was written.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (w *response) FlushError() error {
	if err := w.begin(); err != nil {
		return err
	}
	defer w.inTime()()
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return err
	}
	return w.conn.flush()
}

// Hijack hands the connection over.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begun, w.body, w.hijacked = true, nil, true
	}
	return c, buffered, err
}

// Unwrap is for [http.ResponseController].
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) begin() error {
	if !w.begun {
		w.WriteHeader(metavars.ImplicitStatus(w.Header()))
	}
	return w.err
}

// refuse answers in place of the app.
func (w *response) refuse(status int, f *modgw.Fault) {
	r, id := modgw.Identify(w.request)
	w.request = r
	w.server.config.Log.Warn("request refused", "request", id, "status", status, "code", f.Code, "error", f.Line(),
		"target", w.request.RequestURI)
	w.answer(status, f)
}

// answer tells the client what has gone wrong. After a bad request nothing more is taken from its connection.
func (w *response) answer(status int, f *modgw.Fault) {
	answer := *w
	answer.err, answer.body = nil, nil
	answer.closing = status == http.StatusBadRequest
	modgw.ServeFault(&answer, w.request, status, f, false)
	w.begun = true
}

// dropBody reads what a proxy still sends of the request after its response. Apache passes a body on as a whole before it
// looks for the response, and takes a connection that is closed meanwhile for a failure.
func (w *response) dropBody() {
	if w.body == nil || w.body.complete || w.FlushError() != nil {
		return
	}
	// A runner that had to interrupt its reading has left a deadline that is over.
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, w.body) // however it ends, the response is on its way
}

// finish ends the response when the handler has returned or panicked. It is deferred directly, because it recovers.
func (w *response) finish() {
	if w.hijacked {
		defer w.conn.gone() // not earlier: it may be closed long before the handler is done
	}
	if value := recover(); value != nil {
		w.recovered(value)
		return
	}
	_ = w.begin() // nobody is left to tell
	w.inTime()    // for what is left to send when this returns
}
