package fcgi

import (
	"io"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

const (
	// headRoom is the room that is reserved between the response's head and its body in the buffer:
	// for a length that is known only at the end, the empty line, and the header of the record.
	headRoom = len("Content-Length: 9223372036854775807\r\n") + len("\r\n") + fcgi.HeaderLen

	// tailRoom is the room that is reserved after the body for the end record.
	tailRoom = fcgi.HeaderLen + fcgi.BodyLen
)

// response is the [front.Output] of a response. It collects the handler's output into as few
// records and writes as possible, in one buffer in which records are built in place.
type response struct {
	front.Response
	stream *stream

	lent    *[bufferSize]byte
	buf     []byte // to be sent: head, room, body; or room for a record header, body
	headLen int    // bytes of head at the beginning of buf; 0 when it was sent
	bodyAt  int    // begin of the body in buf
}

// begin prepares the response of a stream.
func (w *response) begin(s *stream, r *http.Request) {
	w.stream = s
	w.Response = front.Response{Output: w, Request: r, Log: s.conn.log}
}

// SetHead implements [front.Output].
func (w *response) SetHead(status int, header http.Header) error {
	w.borrow()
	head, err := appendHead(w.buf[:0], status, header)
	if err != nil {
		return err
	}
	w.headLen = len(head)
	w.bodyAt = w.headLen + headRoom
	if w.bodyAt+tailRoom > cap(head) {
		head = append(make([]byte, 0, w.bodyAt+bufferSize), head...)
	}
	w.buf = head[:w.bodyAt]
	return nil
}

// appendHead appends a response's head without the empty line that ends it. Status is always
// included, so that no server has to guess, and follows all headers: HAProxy turns a response into
// a 302 if its Location comes after its Status.
func appendHead(dst []byte, status int, header http.Header) ([]byte, error) {
	dst, err := cgi.AppendHeader(dst, header)
	if err != nil {
		return dst, err
	}
	return cgi.AppendStatus(append(dst, "Status: "...), status)
}

// ReadFrom sends all of src, read straight into the records.
func (w *response) ReadFrom(src io.Reader) (n int64, err error) {
	if err := w.Begin(); err != nil || !w.HasBody() {
		return io.Copy(writerOnly{w}, src)
	}
	for {
		room, err := w.room()
		if err != nil {
			return n, err
		}
		if room = w.Fit(room); len(room) == 0 {
			return n, nothingLeft(src)
		}
		m, err := src.Read(room)
		w.buf = w.buf[:len(w.buf)+m]
		w.Count(m)
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

// CutOff implements [front.Output].
func (w *response) CutOff() { w.stream.conn.cutOff(w.stream) }

// BodyFault implements [front.Output].
func (w *response) BodyFault() *modgw.Fault {
	if w.stream.bodyWasShort() {
		return front.BodyLength(w.stream.length, "shorter")
	}
	return nil
}
