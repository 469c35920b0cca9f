package front

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// Serve calls the handler, and ends its response.
func (w *Response) Serve(handler func(http.ResponseWriter, *http.Request)) {
	if w.call(handler) {
		w.finish()
	} else {
		w.serveFault()
	}
}

// call reports whether the handler has returned, and not panicked.
func (w *Response) call(handler func(http.ResponseWriter, *http.Request)) (returned bool) {
	defer func() {
		switch value := recover(); {
		case value == nil:
		case value != http.ErrAbortHandler:
			w.fault, w.faultStatus = cgi.LogPanic(w.Log, w.Request, value), http.StatusInternalServerError
		case w.fault == nil:
			w.fault, w.faultStatus = cgi.Aborted(w.status != 0)
		}
	}()
	handler(w.Output, w.Request)
	return true
}

// Refuse answers a request that its handler never sees.
func (w *Response) Refuse(status int, f *modgw.Fault) {
	modgw.ServeFault(w, w.Request, status, f, false)
	w.finish()
}

// finish ends the response of a handler that has returned.
func (w *Response) finish() {
	if w.status == 0 && w.fault == nil {
		if f := w.Output.BodyFault(); f != nil {
			w.deny(http.StatusBadRequest, f)
		} else {
			w.WriteHeader(cgi.ImplicitStatus(w.header))
		}
	}
	if w.err == nil && w.declared >= 0 && w.declared != w.written && w.HasBody() {
		w.deny(http.StatusInternalServerError, cgi.WrongLength(w.declared, w.written))
	}
	if w.fault != nil {
		w.serveFault()
		return
	}
	isHead := w.Request.Method == http.MethodHead
	w.lengthKnown = !w.sent && w.declared < 0 && !w.bodiless && (!isHead || w.written > 0)
	w.Output.End()
}

// deny makes the response an error page, and all writes to it fail.
func (w *Response) deny(status int, err error) {
	f, ok := err.(*modgw.Fault)
	if !ok {
		f = &modgw.Fault{Code: "MGW-APP-014", Summary: "cannot send the app's response", Err: err}
	}
	w.Log.Error("response refused", "code", f.Code, "error", f.Line(),
		"request", modgw.RequestInfoOf(w.Request).ID, "target", w.Request.RequestURI)
	w.fault, w.faultStatus, w.err = f, status, errSealed
}

// serveFault sends the error page in place of the response. If the client has already received a
// part, serveFault sends the bytes written so far and cuts the response off, so that the client can
// see, if the protocol can show it, that it is not complete.
func (w *Response) serveFault() {
	if w.sent {
		_ = w.Output.Send() // a client that has gone does not see it
		w.Output.CutOff()
		return
	}
	w.Output.Drop()
	f, status := w.fault, w.faultStatus
	*w = Response{Output: w.Output, Request: w.Request, Log: w.Log}
	w.Refuse(status, f)
	w.err = errSealed
}
