package http

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// response keeps a handler's output within the rules of the protocol.
type response struct {
	http.ResponseWriter
	server  *Server
	request *http.Request
	body    *body // body of the request; nil: none
	trusted bool  // the peer is a trusted proxy
	begun   bool  // the head is on its way
	closing bool  // the connection ends with this response
	err     error // result of writes; nil: they succeed

	conn   *conn
	h1     *writer // writer of HTTP/1; nil over HTTP/2
	writer writer  // behind h1
	cut    bool    // the handler has broken it off
}

// WriteHeader sends the response's head, after early hints perhaps. Other informational responses
// are dropped, but for the switch to another protocol.
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
		w.answer(w.body.status(), f) // regardless of the app's answer to half a body
		return
	}
	if status != http.StatusSwitchingProtocols {
		if err := cgi.CheckHead(status, w.Header()); err != nil {
			w.err = err
			f := err.(*modgw.Fault)
			clear(w.Header())
			w.refuse(http.StatusInternalServerError, f)
			return
		}
		// A handler that has left a part of the request's body in the connection sets it.
		w.closing = w.closing || strings.EqualFold(w.Header().Get("Connection"), "close") ||
			w.body.endsConnection(w.isSized(status))
		cgi.StripHopByHop(w.Header())
		if w.closing && w.h1 != nil {
			w.Header().Set("Connection", "close")
		}
		if _, ok := w.Header()["Content-Type"]; !ok && w.h1 == nil {
			// net/http would guess one from the body (CVE-2020-24553).
			w.Header()["Content-Type"] = nil
		}
	}
	if len(w.Header()["Content-Length"]) == 0 && status != http.StatusNoContent && status != http.StatusNotModified &&
		cgi.GathersStreams(modgw.RequestInfoOf(w.request).ServerSoftware, w.Header()) {
		w.Header().Set(cgi.BufferingName, cgi.BufferingValue)
	}
	w.begun = true
	if w.h1 != nil {
		w.conn.presence.beginResponse()
	}
	w.ResponseWriter.WriteHeader(status)
}

// isSized reports whether a client knows from the head where the response ends.
func (w *response) isSized(status int) bool {
	return len(w.Header()["Content-Length"]) > 0 || w.request.Method == http.MethodHead ||
		status == http.StatusNoContent || status == http.StatusNotModified
}

// hint sends the current header as early hints, to clients that know them (RFC 8297). A client of
// HTTP/1.0 would take them for the response, and fields that are forbidden in a response are also
// forbidden in hints.
func (w *response) hint() {
	if !w.request.ProtoAtLeast(1, 1) || cgi.CheckHead(http.StatusOK, w.Header()) != nil {
		return
	}
	cgi.StripHopByHop(w.Header())
	w.ResponseWriter.WriteHeader(http.StatusEarlyHints)
}

// Write sends p.
func (w *response) Write(p []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	if w.h1 != nil {
		return w.h1.Write(p)
	}
	defer w.inTime()()
	return w.ResponseWriter.Write(p)
}

// WriteBriefly implements [modgw.BriefWriter].
func (w *response) WriteBriefly(p []byte, d time.Duration) (int, error) {
	if err := w.begin(); err != nil || w.h1 == nil {
		return 0, err
	}
	return w.h1.WriteBriefly(p, d)
}

// ReadFrom sends all of src.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if !w.begun {
		// src may be the request's body, which some clients do not send before a 100 Continue.
		// Reading it sends that, which must happen before the head of a response.
		if n, err = io.CopyN(writerOnly{w}, src, firstPiece); err != nil {
			return n, ended(err)
		}
	}
	if err := w.begin(); err != nil {
		return n, err
	}
	to := io.Writer(w.ResponseWriter)
	if w.h1 == nil {
		to = writerOnly{w} // each write in time
	}
	m, err := io.Copy(to, src)
	return n + m, err
}

// firstPiece is the number of bytes that are read before a response begins.
const firstPiece = 512

// ended is the error of a copy that may end early.
func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// Flush sends the bytes written so far.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (w *response) FlushError() error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.flush()
}

// flush sends the bytes written so far.
func (w *response) flush() error {
	if w.h1 != nil {
		return w.h1.FlushError()
	}
	defer w.inTime()()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begun, w.body = true, nil
	}
	return c, buffered, err
}

// Unwrap is for [http.ResponseController].
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) begin() error {
	if !w.begun {
		w.WriteHeader(cgi.ImplicitStatus(w.Header()))
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

// answer sends the client an error page. After a bad request nothing more is read from its
// connection.
func (w *response) answer(status int, f *modgw.Fault) {
	err, body := w.err, w.body
	w.err, w.body = nil, nil
	w.closing = status == http.StatusBadRequest || status == http.StatusRequestTimeout
	modgw.ServeFault(w, w.request, status, f, false)
	w.begun, w.err, w.body = true, err, body
}

// endBody disposes of the part of the request's body that a handler has not read. If it is short,
// it is read, so that the connection can be used again; otherwise the connection ends. A trusted
// proxy may send all of it: Apache sends a whole body before it looks for the response, and treats
// a connection that is closed meanwhile as a failure.
func (w *response) endBody() {
	limit := int64(drainLimit)
	switch {
	case w.h1.err != nil:
		limit = 0
	case w.trusted:
		limit = -1
	case w.closing:
		limit = 0
	}
	w.conn.unread = !w.body.drain(limit)
}

// finish ends the response when the handler has returned or panicked. It is deferred directly,
// because it recovers.
func (w *response) finish() {
	if value := recover(); value != nil {
		w.cut = w.recovered(value)
	}
	if w.h1 != nil && w.h1.stage == hijacked {
		w.conn.presence.close() // not earlier: it may be closed long before the handler is done
		return
	}
	if w.h1 != nil && w.body != nil {
		w.body.stop()
	}
	_ = w.begin() // an error changes nothing
	switch {
	case w.h1 != nil:
		w.h1.end(w.cut)
		if w.body != nil {
			w.endBody()
		}
	case w.cut:
		panic(http.ErrAbortHandler) // net/http ends the response so that the client can see it
	default:
		w.inTime() // for the bytes that remain to be sent after the return
	}
}
