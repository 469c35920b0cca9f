package scgi

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// finish ends the response of a handler that has returned.
func (w *response) finish() {
	c := w.conn
	if w.status == 0 && w.fault == nil && c.body != nil {
		if than := c.body.fault(); than != "" {
			w.deny(http.StatusBadRequest, bodyLength(c.request.ContentLength, than))
		}
	}
	if w.status == 0 && w.fault == nil {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	if w.fault == nil && w.err == nil && w.declared >= 0 && w.declared != w.written && !w.bodiless && !w.isHead() {
		w.deny(http.StatusInternalServerError, cgi.WrongLength(w.declared, w.written))
	}
	if w.fault != nil {
		w.serveFault()
		return
	}
	if w.err != nil {
		c.broken = true
		return
	}
	w.lengthKnown = !w.sent && w.declared < 0 && !w.bodiless && (!w.isHead() || w.written > 0)
	if w.head != nil || len(w.buf) > 0 {
		c.broken = w.send() != nil
	}
}

// abort ends the response of a handler that has panicked. What the client has got already cannot be
// taken back, so it must see, as far as the protocol can show it, that it is not complete; else it
// gets an error page.
func (w *response) abort() {
	if w.fault == nil {
		w.fault, w.faultStatus = cgi.Aborted(w.status != 0)
	}
	w.serveFault()
}

// deny makes the response an error page, and all writes to it fail.
func (w *response) deny(status int, err error) {
	f, ok := err.(*modgw.Fault)
	if !ok {
		f = &modgw.Fault{Code: "MGW-APP-014", Summary: "cannot send the app's response", Err: err}
	}
	w.conn.server.config.Log.Error("response refused", "code", f.Code, "error", f.Line(),
		"request", modgw.RequestInfoOf(w.conn.request).ID, "target", w.conn.request.RequestURI)
	w.fault, w.faultStatus, w.err = f, status, errSealed
}

// serveFault sends the error page in place of the response. When it is too late for that, it sends
// what was written and cuts the response off.
func (w *response) serveFault() {
	if w.sent {
		_ = w.send() // a client that has gone does not see it
		w.conn.broken = true
		return
	}
	page := response{conn: w.conn}
	modgw.ServeFault(&page, w.conn.request, w.faultStatus, w.fault, false)
	page.finish()
}
