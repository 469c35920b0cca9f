package fcgi

import (
	"errors"
	"io"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
)

const (
	// headRoom is what is kept free between the response's head and its body in the buffer: for the
	// length that is known only at the end, the empty line, and the header of the record.
	headRoom = len("Content-Length: 9223372036854775807\r\n") + len("\r\n") + fcgi.HeaderLen

	// tailRoom is what is kept free after the body, for the end record.
	tailRoom = fcgi.HeaderLen + fcgi.BodyLen
)

var errSealed = errors.New("the response was replaced by an error page")

// response is the [http.ResponseWriter] of one request. It gathers what the handler writes into as
// few records and writes as it can, in one buffer where a record is built in place.
type response struct {
	stream *stream
	header http.Header
	status int // 0 until the head is fixed

	lent    *[bufferSize]byte
	buf     []byte // to be sent: head, room, body; or room for a record header, body
	headLen int    // bytes of head at the beginning of buf; 0 when it was sent
	bodyAt  int    // begin of the body in buf
	sent    bool   // something was sent, so the response cannot be replaced any more

	declared    int64 // Content-Length of the head; -1 without one
	written     int64 // bytes of body that the handler wrote
	lengthKnown bool  // written is the length of the whole body
	bodiless    bool  // 204 and 304

	err         error        // result of further writes
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

// WriteHeader fixes the response's head. Informational responses are dropped: every web server
// takes them for the final one (apache.md A10).
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
	w.borrow()
	head, err := appendHead(w.buf[:0], status, w.header)
	if err != nil {
		w.deny(http.StatusInternalServerError, err)
		return
	}
	w.headLen = len(head)
	w.bodyAt = w.headLen + headRoom
	if w.bodyAt+tailRoom > cap(head) {
		head = append(make([]byte, 0, w.bodyAt+bufferSize), head...)
	}
	w.buf = head[:w.bodyAt]
}

// appendHead appends a response's head without the empty line that ends it. Status always stands
// there, so that no server has to guess, and it comes after all headers: HAProxy makes 302 of a
// response whose Location comes after its Status.
func appendHead(dst []byte, status int, header http.Header) ([]byte, error) {
	dst, err := cgi.AppendHeader(dst, header)
	if err != nil {
		return dst, err
	}
	return cgi.AppendStatus(append(dst, "Status: "...), status)
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

// ReadFrom sends all of src, read straight into the records.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if w.status == 0 {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	if w.bodiless || w.isHead() || w.err != nil {
		return io.Copy(writerOnly{w}, src)
	}
	for {
		room, err := w.room()
		if err != nil {
			return n, err
		}
		if left := w.declared - w.written; w.declared >= 0 && int64(len(room)) > left {
			room = room[:left]
		}
		if len(room) == 0 {
			return n, nothingLeft(src)
		}
		m, err := src.Read(room)
		w.buf = w.buf[:len(w.buf)+m]
		w.written += int64(m)
		n += int64(m)
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// nothingLeft returns an error when src has more than the declared length.
func nothingLeft(src io.Reader) error {
	if n, _ := src.Read(make([]byte, 1)); n > 0 {
		return http.ErrContentLength
	}
	return nil
}

type writerOnly struct{ io.Writer }

func (w *response) isHead() bool {
	return w.stream.request != nil && w.stream.request.Method == http.MethodHead
}
