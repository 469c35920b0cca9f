package front

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

var errSealed = errors.New("the response was replaced by an error page")

// Response is the [http.ResponseWriter] of one request over FastCGI, SCGI or uwsgi. The fields that
// are exported must be set.
type Response struct {
	Output  Output        // sends the response
	Request *http.Request // a blank one when its variables were of no use
	Log     *slog.Logger  // gets refused responses and panics

	header http.Header
	status int  // 0 until the head is fixed
	sent   bool // something was sent, so the response cannot be replaced any more

	declared    int64 // Content-Length of the head; -1: none
	written     int64 // bytes of body that the handler wrote
	lengthKnown bool  // written is the length of the whole body
	bodiless    bool  // 204 and 304

	err         error        // further writes return it; nil while they may succeed
	fault       *modgw.Fault // why the handler's response cannot be sent
	faultStatus int
}

// Header is the header that the handler sets.
func (w *Response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header, 8)
	}
	return w.header
}

// WriteHeader fixes the response's head. Informational responses are dropped: every web server
// takes them for the final one (apache.md A10).
func (w *Response) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 {
		return
	}
	w.status = status
	w.declared = cgi.DeclaredLength(w.header)
	w.bodiless = status == http.StatusNoContent || status == http.StatusNotModified
	if status == http.StatusNoContent {
		delete(w.header, "Content-Length")
	}
	if err := w.Output.SetHead(status, w.header); err != nil {
		w.deny(http.StatusInternalServerError, err)
	}
}

// AppendHeadEnd appends the end of the head when it is sent: the header fields that depend on the
// body, and the empty line.
func (w *Response) AppendHeadEnd(dst []byte) []byte {
	switch {
	case w.lengthKnown:
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, w.written, 10)
		dst = append(dst, "\r\n"...)
	case w.declared < 0 && !w.bodiless &&
		cgi.GathersStreams(modgw.RequestInfoOf(w.Request).ServerSoftware, w.header):
		dst = append(dst, cgi.BufferingName+": "+cgi.BufferingValue+"\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// Begin fixes the head if that was not done. It returns the error that further writes return.
func (w *Response) Begin() error {
	if w.status == 0 {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	return w.err
}

// HasBody reports whether a body is sent with the head that was fixed.
func (w *Response) HasBody() bool { return !w.bodiless && w.Request.Method != http.MethodHead }

// Fit returns as much of p as the declared length has room for.
func (w *Response) Fit(p []byte) []byte {
	if left := w.declared - w.written; w.declared >= 0 && int64(len(p)) > left {
		return p[:left]
	}
	return p
}

// Count reports that n bytes of the body were written.
func (w *Response) Count(n int) { w.written += int64(n) }

// Write sends p with the body, now or later.
func (w *Response) Write(p []byte) (int, error) {
	if err := w.Begin(); err != nil {
		return 0, err
	}
	if w.bodiless {
		return 0, http.ErrBodyNotAllowed
	}
	var tooLong error
	if fit := w.Fit(p); len(fit) < len(p) {
		p, tooLong = fit, http.ErrContentLength
	}
	w.Count(len(p))
	if w.HasBody() {
		if err := w.Output.Add(p); err != nil {
			return 0, err
		}
	}
	return len(p), tooLong
}

// Flush sends the bytes written so far.
func (w *Response) Flush() {
	_ = w.FlushError()
}

// FlushError is Flush for [http.ResponseController].
func (w *Response) FlushError() error {
	if err := w.Begin(); err != nil {
		return err
	}
	return w.Output.Send()
}

// EnableFullDuplex informs [http.ResponseController] that request and response never wait for each
// other here.
func (w *Response) EnableFullDuplex() error { return nil }

// Sent reports that a part of the response was sent, and returns err, the result. The first error
// is kept.
func (w *Response) Sent(err error) error {
	w.sent = true
	if w.err == nil {
		w.err = err
	}
	return err
}

// HasFailed reports whether further writes fail.
func (w *Response) HasFailed() bool { return w.err != nil }
