package fcgi

import (
	"net/http"
	"strconv"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
)

// recordSize is how much content a record of a long response has: as much as Apache reads at once
// with the iobuffersize that the generated configuration has.
const recordSize = 64000

// add puts p behind what is to be sent, and sends when it does not fit.
func (w *response) add(p []byte) error {
	w.borrow()
	if len(p) <= cap(w.buf)-tailRoom-len(w.buf) {
		w.buf = append(w.buf, p...)
		return nil
	}
	for len(p) > 0 {
		w.borrow()
		if err := w.sendHeadAlone(); err != nil {
			return err
		}
		start := w.recordStart()
		content := len(w.buf) - start - fcgi.HeaderLen
		n := min(len(p), max(0, recordSize-content))
		fcgi.Header{Type: fcgi.TypeStdout, ID: w.stream.id, Content: content + n}.Put(w.buf[start:])
		if err := w.note(w.stream.conn.send(w.stream, w.buf[start:], p[:n])); err != nil {
			return err
		}
		w.emptied()
		p = p[n:]
	}
	return nil
}

// smallRoom is the room in a buffer that is not worth a read of its own.
const smallRoom = 4 << 10

// room is what is free in the buffer, after sending what is in it when that is too little.
func (w *response) room() ([]byte, error) {
	w.borrow()
	if cap(w.buf)-tailRoom-len(w.buf) < smallRoom {
		if err := w.send(); err != nil {
			return nil, err
		}
		w.borrow()
	}
	return w.buf[len(w.buf) : cap(w.buf)-tailRoom], nil
}

// send sends what is in the buffer. It sends no empty record, which would end the response.
func (w *response) send() error {
	if w.lent == nil && w.buf == nil {
		return nil
	}
	start := w.recordStart()
	content := w.buf[start+fcgi.HeaderLen:]
	if len(content) == 0 {
		w.emptied()
		return nil
	}
	err := w.note(w.stream.conn.send(w.stream, w.records(start)))
	w.emptied()
	return err
}

// sendLast sends what is in the buffer and ends the response. The end record says that STDOUT is at
// its end, too: the empty record that the specification has for that (section 3.3) would make
// Apache poll and read once more, and no web server needs it, as PHP's processes have never sent
// it.
func (w *response) sendLast() error {
	w.borrow()
	start := w.recordStart()
	var records []byte
	if len(w.buf) > start+fcgi.HeaderLen {
		records = w.records(start)
	} else {
		records = w.buf[:0]
	}
	records = fcgi.AppendEnd(records, w.stream.id, fcgi.End{})
	err := w.note(w.stream.conn.sendLast(w.stream, records))
	w.emptied()
	return err
}

// records makes the record of what is in the buffer from start on; several when it is a head too
// long for one.
func (w *response) records(start int) []byte {
	content := w.buf[start+fcgi.HeaderLen:]
	if len(content) > fcgi.MaxContent {
		return fcgi.AppendStream(nil, fcgi.TypeStdout, w.stream.id, content)
	}
	fcgi.Header{Type: fcgi.TypeStdout, ID: w.stream.id, Content: len(content)}.Put(w.buf[start:])
	return w.buf[start:]
}

// recordStart is where the record in the buffer begins. It moves the head, if it was not sent yet,
// up to the body and ends it.
func (w *response) recordStart() int {
	if w.headLen == 0 {
		return w.bodyAt - fcgi.HeaderLen
	}
	var room [headRoom]byte
	tail := room[:0]
	switch {
	case w.lengthKnown:
		tail = append(tail, "Content-Length: "...)
		tail = strconv.AppendInt(tail, w.written, 10)
		tail = append(tail, "\r\n"...)
	case w.declared < 0 && !w.bodiless && w.stream.request != nil &&
		cgi.GathersStreams(modgw.RequestInfoOf(w.stream.request).ServerSoftware, w.header):
		tail = append(tail, cgi.BufferingName+": "+cgi.BufferingValue+"\r\n"...)
	}
	tail = append(tail, "\r\n"...)
	at := w.bodyAt - len(tail) - w.headLen
	copy(w.buf[at:], w.buf[:w.headLen])
	copy(w.buf[at+w.headLen:], tail)
	w.bodyAt, w.headLen = at, 0
	return at - fcgi.HeaderLen
}

// sendHeadAlone sends what is in the buffer when it is longer than a record can be.
func (w *response) sendHeadAlone() error {
	if len(w.buf)-w.bodyAt+w.headLen+headRoom < fcgi.MaxContent {
		return nil
	}
	if err := w.send(); err != nil {
		return err
	}
	w.borrow()
	return nil
}

// borrow makes sure that there is a buffer.
func (w *response) borrow() {
	if w.buf != nil {
		return
	}
	w.lent = w.stream.conn.server.buffers.get()
	w.bodyAt = fcgi.HeaderLen
	w.buf = w.lent[:w.bodyAt]
}

// emptied gives the buffer back: a response that waits for its next piece needs none.
func (w *response) emptied() {
	w.stream.conn.server.buffers.put(w.lent)
	w.lent, w.buf = nil, nil
}

// note keeps the first error of sending.
func (w *response) note(err error) error {
	w.sent = true
	if err != nil && w.err == nil {
		w.err = err
		w.stream.conn.lost(w.stream)
	}
	return err
}

// finish ends the response of a handler that has returned.
func (w *response) finish() {
	if w.status == 0 && w.fault == nil && w.stream.bodyWasShort() {
		w.deny(http.StatusBadRequest, bodyLength(w.stream.length, "shorter"))
	}
	if w.status == 0 && w.fault == nil {
		w.WriteHeader(cgi.ImplicitStatus(w.header))
	}
	if w.fault == nil && w.declared >= 0 && w.declared != w.written && !w.bodiless && !w.isHead() {
		w.deny(http.StatusInternalServerError, cgi.WrongLength(w.declared, w.written))
	}
	if w.fault != nil {
		w.serveFault()
		return
	}
	w.lengthKnown = !w.sent && w.declared < 0 && !w.bodiless && (!w.isHead() || w.written > 0)
	if err := w.sendLast(); err != nil && err != errGone {
		w.stream.conn.cutOff(w.stream)
	}
}

// abort ends the response of a handler that has panicked. What the client has got already cannot be
// taken back, so it must see that it is not complete; else it gets an error page.
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
	s := w.stream
	s.conn.log.Error("response refused", "code", f.Code, "error", f.Line(),
		"request", modgw.RequestInfoOf(s.requestOrBlank()).ID, "target", s.target())
	w.fault, w.faultStatus, w.err = f, status, errSealed
}

// serveFault sends the error page in place of the response. When it is too late for that, it sends
// what was written and cuts the response off.
func (w *response) serveFault() {
	s := w.stream
	if w.sent {
		_ = w.send() // a client that has gone does not see it
		s.conn.cutOff(s)
		return
	}
	w.emptied()
	page := response{stream: s}
	modgw.ServeFault(&page, s.requestOrBlank(), w.faultStatus, w.fault, false)
	page.finish()
}
