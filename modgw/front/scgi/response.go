package scgi

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// bufferSize is how much of a response is gathered before it is sent, and sent at once.
const bufferSize = 64 << 10

var errSealed = errors.New("the response was replaced by an error page")

// response is the [http.ResponseWriter] of one request. A response that fits into its buffer is
// sent with its length.
type response struct {
	conn   *conn
	header http.Header
	status int // 0 until the head is fixed

	head []byte // the head that is to be sent, without its empty line; nil when it was sent
	buf  []byte // the part of the body that is to be sent
	sent bool   // something was sent, so the response cannot be replaced any more

	declared    int64 // Content-Length of the head; -1 without one
	written     int64 // bytes of body that the handler wrote
	lengthKnown bool  // written is the length of the whole body
	bodiless    bool  // 204 and 304

	err         error        // further writes return it; nil while they may succeed
	fault       *modgw.Fault // why the response cannot be what the handler wanted
	faultStatus int
}

// Header is the header that the handler sets.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header, 8)
	}
	return w.header
}

// WriteHeader fixes the response's head. Informational responses are dropped: web servers take them
// for the final one.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 {
		return
	}
	w.status = status
	w.declared = cgi.DeclaredLength(w.header)
	w.bodiless = status == http.StatusNoContent || status == http.StatusNotModified
	if status == http.StatusNoContent {
		delete(w.header, "Content-Length")
	}
	head, err := cgi.AppendStatus([]byte(w.conn.server.protocol.statusLine+" "), status)
	if err == nil {
		head, err = cgi.AppendHeader(head, w.header)
	}
	if err != nil {
		w.deny(http.StatusInternalServerError, err)
		return
	}
	w.head = head
}

// Write sends p with the body, now or later.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case w.bodiless:
		return 0, http.ErrBodyNotAllowed
	}
	var tooLong error
	if left := w.declared - w.written; w.declared >= 0 && int64(len(p)) > left {
		p, tooLong = p[:left], http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.isHead() {
		return len(p), tooLong
	}
	if err := w.add(p); err != nil {
		return 0, err
	}
	return len(p), tooLong
}

// Flush sends what was written.
func (w *response) Flush() {
	_ = w.FlushError()
}

// FlushError is Flush for [http.ResponseController].
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	if w.err != nil {
		return w.err
	}
	return w.send()
}

// EnableFullDuplex tells [http.ResponseController] that request and response never wait for each
// other here.
func (w *response) EnableFullDuplex() error { return nil }

func (w *response) isHead() bool { return w.conn.request.Method == http.MethodHead }

// add puts p behind what is to be sent, and sends when that has become much.
func (w *response) add(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), bufferSize-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(p) == 0 {
			break
		}
		if err := w.send(); err != nil {
			return err
		}
	}
	return nil
}

// send sends what is gathered.
func (w *response) send() error {
	pieces := net.Buffers{w.finishedHead(), w.buf}
	w.head, w.sent = nil, true
	_ = w.conn.rwc.SetWriteDeadline(time.Now().Add(w.conn.server.config.WriteTimeout))
	_, err := pieces.WriteTo(w.conn.rwc)
	w.buf = w.buf[:0]
	if err != nil {
		w.err = err
		w.conn.cancel(errGone)
	}
	return err
}

// finishedHead is the head with its end, nil when it was sent.
func (w *response) finishedHead() []byte {
	if w.head == nil {
		return nil
	}
	switch {
	case w.lengthKnown:
		w.head = append(w.head, "Content-Length: "...)
		w.head = strconv.AppendInt(w.head, w.written, 10)
		w.head = append(w.head, "\r\n"...)
	case w.declared < 0 && !w.bodiless && w.conn.request != nil &&
		cgi.GathersStreams(modgw.RequestInfoOf(w.conn.request).ServerSoftware, w.header):
		w.head = append(w.head, cgi.BufferingName+": "+cgi.BufferingValue+"\r\n"...)
	}
	return append(w.head, "\r\n"...)
}
