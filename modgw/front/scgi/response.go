package scgi

import (
	"net"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/front"
)

// bufferSize is the number of bytes of a response that are collected and then sent at once.
const bufferSize = 64 << 10

// response is the [front.Output] of a response. One that fits into its buffer is sent with its
// length.
type response struct {
	front.Response
	conn *conn

	head []byte // the head that is to be sent, without its empty line; nil when it was sent
	buf  []byte // the part of the body that is to be sent
}

func newResponse(c *conn, r *http.Request) *response {
	w := &response{conn: c}
	w.Response = front.Response{Output: w, Request: r, Log: c.server.config.Log}
	return w
}

// SetHead implements [front.Output].
func (w *response) SetHead(status int, header http.Header) error {
	head, err := cgi.AppendStatus([]byte(w.conn.server.protocol.statusLine+" "), status)
	if err == nil {
		head, err = cgi.AppendHeader(head, header)
	}
	if err == nil {
		w.head = head
	}
	return err
}

// Add implements [front.Output].
func (w *response) Add(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), bufferSize-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(p) == 0 {
			break
		}
		if err := w.Send(); err != nil {
			return err
		}
	}
	return nil
}

// Send implements [front.Output].
func (w *response) Send() error {
	if w.head != nil {
		w.head = w.AppendHeadEnd(w.head)
	}
	pieces := net.Buffers{w.head, w.buf}
	_ = w.conn.rwc.SetWriteDeadline(time.Now().Add(w.conn.server.config.WriteTimeout))
	_, err := pieces.WriteTo(w.conn.rwc)
	w.Drop()
	if w.Sent(err) != nil {
		w.conn.cancel(errGone)
	}
	return err
}

// Drop implements [front.Output].
func (w *response) Drop() { w.head, w.buf = nil, w.buf[:0] }

// End implements [front.Output].
func (w *response) End() {
	if w.HasFailed() || (w.head != nil || len(w.buf) > 0) && w.Send() != nil {
		w.CutOff()
	}
}

// CutOff implements [front.Output].
func (w *response) CutOff() { w.conn.broken = true }

// BodyFault implements [front.Output].
func (w *response) BodyFault() *modgw.Fault {
	c := w.conn
	if c.body == nil {
		return nil
	}
	if than := c.body.fault(); than != "" {
		return front.BodyLength(c.request.ContentLength, than)
	}
	return nil
}
