package http

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw/http1"
)

// gatherSize is the number of bytes of a response's body that are collected before it is sent. A
// response that is complete by then gets a length.
const gatherSize = 4 << 10

// output is the memory in which a response is collected.
type output struct {
	head   [2 << 10]byte
	body   [gatherSize]byte
	pieces [rawsocket.MaxPieces][]byte // pieces that are being sent
}

var outputs = sync.Pool{New: func() any { return new(output) }}

// writer sends a response over HTTP/1: it is the [http.ResponseWriter] below response. As with
// net/http, a response may be sent before the request's body was read.
type writer struct {
	conn    *conn
	framing http1.Writer
	header  http.Header

	mu    sync.Mutex // held while something is sent: reading the body may send, too
	stage stage
	err   error // result of sending from now on; nil: it succeeds

	output *output // nil: nothing is gathered
	head   []byte  // not sent yet; in output
	body   []byte  // not sent yet; in output
}

// stage is the progress of a response.
type stage uint8

const (
	beforeHead stage = iota
	headBegun        // the head is gathered but for its end
	headSent
	finished // nothing more can be sent, even by a handler that still has the writer
	hijacked // the connection is the handler's
)

var errFinished = errors.New("the handler of this response has returned")

// Header returns the header that will be sent, and later the one that has trailers.
func (w *writer) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader begins the response. One with an informational status is sent at once.
func (w *writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stage > beforeHead:
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.gather()
		w.send(w.framing.AppendInformational(w.head, status, w.header), nil, nil, nil)
	default:
		w.begin(status)
	}
}

func (w *writer) begin(status int) {
	w.stage = headBegun
	w.gather()
	w.head = w.framing.AppendHead(w.head, status, w.header)
}

func (w *writer) gather() {
	if w.output == nil {
		w.output = outputs.Get().(*output)
		w.head, w.body = w.output.head[:0], w.output.body[:0]
	}
}

// release frees the memory if it is empty.
func (w *writer) release() {
	if w.output != nil {
		outputs.Put(w.output)
		w.output, w.head, w.body = nil, nil, nil
	}
}

// Write sends p, or gathers it.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.count(int64(len(p))); err != nil {
		return 0, err
	}
	if !w.framing.HasBody() {
		return len(p), nil
	}
	w.gather()
	if len(w.body)+len(p) <= gatherSize {
		w.body = append(w.body, p...)
		return len(p), nil
	}
	if err := w.sendBody(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteBriefly implements [modgw.BriefWriter].
func (w *writer) WriteBriefly(p []byte, d time.Duration) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.count(0); err != nil {
		return 0, err
	}
	if len(p) <= gatherSize || !w.conn.isSocket() || !w.framing.HasBody() || !w.framing.HasRoom(int64(len(p))) {
		return 0, nil
	}
	now := time.Now()
	for end := now.Add(d); n < len(p) && err == nil; {
		m := 0
		m, err = w.sendBriefly(p[n:], now, end)
		n += m
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, nil
	}
	w.err = err
	return n, err
}

// sendBriefly sends the collected bytes, and of p as much as goes out with them before end. The
// error is os.ErrDeadlineExceeded if the client does not accept all of that.
func (w *writer) sendBriefly(p []byte, now, end time.Time) (n int, err error) {
	start := w.appendHeadEnd(-1)
	p = p[:min(len(p), writePiece-len(start)-len(w.body))]
	pieces := w.output.pieces[:3]
	pieces[0], pieces[1], pieces[2] = start, w.body, p
	err = w.conn.writeUntil(pieces, now, end)
	if errors.Is(err, os.ErrDeadlineExceeded) && len(pieces[0])+len(pieces[1]) > 0 {
		if err := w.conn.writeInTime(pieces[:2]); err != nil {
			return 0, err
		}
	}
	n = len(p) - len(pieces[2])
	clear(pieces)
	w.head, w.body = w.output.head[:0], w.output.body[:0]
	_ = w.framing.Count(int64(n)) // there is room
	return n, err
}

// count announces n bytes of the body.
func (w *writer) count(n int64) error {
	switch {
	case w.stage == hijacked:
		return http.ErrHijacked
	case w.stage == finished:
		return errFinished
	case w.err != nil:
		return w.err
	case w.stage == beforeHead:
		w.begin(http.StatusOK)
	}
	return w.framing.Count(n)
}

// sendBody sends the collected bytes, and p.
func (w *writer) sendBody(p []byte) error {
	start := w.appendHeadEnd(-1)
	if n := len(w.body) + len(p); n > 0 {
		start = w.framing.AppendPiece(start, n)
		return w.send(start, w.body, p, w.framing.AppendPieceEnd(start[len(start):]))
	}
	return w.send(start, nil, nil, nil)
}

// appendHeadEnd returns the unsent part of the head.
func (w *writer) appendHeadEnd(complete int64) []byte {
	w.gather()
	if w.stage == headSent {
		return w.head
	}
	w.stage = headSent
	if w.conn.server.draining.Load() {
		w.framing.EndConnection()
	}
	return w.framing.AppendHeadEnd(w.head, complete, w.conn.server.date.At(time.Now()))
}

// send sends pieces, which are in the memory for collecting, which is then empty, or in the
// caller's.
func (w *writer) send(start, body, p, end []byte) error {
	w.output.pieces = [rawsocket.MaxPieces][]byte{start, body, p, end}
	if err := w.conn.writePieces(w.output.pieces[:]); err != nil && w.err == nil {
		w.err = err
	}
	w.output.pieces = [rawsocket.MaxPieces][]byte{}
	w.head, w.body = w.output.head[:0], w.output.body[:0]
	return w.err
}

// Flush sends the collected bytes.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (w *writer) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.count(0); err != nil && err != http.ErrBodyNotAllowed {
		return err
	}
	defer w.release() // the next piece may be long in coming
	return w.sendBody(nil)
}

// ReadFrom sends src.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok || !w.passesOn(limited.N) {
		return io.Copy(writerOnly{w}, src)
	}
	n, err := w.conn.ReadFrom(limited)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.framing.Count(n)
	} else {
		w.err = err
	}
	return n, err
}

// passesOn reports whether n more bytes of the body can be sent without being looked at, and sends
// the bytes before them.
func (w *writer) passesOn(n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count(0) == nil && w.framing.HasBody() && w.framing.HasRoom(n) && w.sendBody(nil) == nil
}

// end sends the rest of the response. A response that is cut off does not get a valid end.
func (w *writer) end(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.stage = finished }()
	if w.err != nil {
		w.release()
		return
	}
	complete := w.framing.Written()
	if cut {
		complete = -1
		w.framing.EndConnection()
	}
	start := w.appendHeadEnd(complete)
	end := start[len(start):]
	if n := len(w.body); n > 0 {
		start = w.framing.AppendPiece(start, n)
		end = w.framing.AppendPieceEnd(start[len(start):])
	}
	if !cut {
		end = w.framing.AppendEnd(end, w.header)
	}
	_ = w.send(start, w.body, nil, end) // an error surfaces on the next read
	w.release()
}

// KeepsOpen reports whether the connection can be used for another request after the response.
func (w *writer) KeepsOpen() bool {
	return w.err == nil && w.framing.KeepsOpen() && w.framing.IsComplete()
}

// sayContinue asks the client for the body, unless the response has begun.
func (w *writer) sayContinue() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stage > beforeHead || w.err != nil {
		return w.err
	}
	w.gather()
	return w.send(w.framing.AppendInformational(w.head, http.StatusContinue, nil), nil, nil, nil)
}

// Hijack hands the connection over.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conn
	switch {
	case w.stage == hijacked:
		return nil, nil, http.ErrHijacked
	case w.stage == finished:
		return nil, nil, errFinished
	case w.err != nil:
		return nil, nil, w.err
	case w.stage > beforeHead:
		if err := w.sendBody(nil); err != nil {
			return nil, nil, err
		}
	}
	w.stage = hijacked
	w.release()
	c.presence.release()
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	early := c.in.len()
	reader := bufio.NewReaderSize(c, max(inputSize, early))
	_, _ = reader.Peek(early) // into its buffer, where the new owner looks for it
	return c, bufio.NewReadWriter(reader, bufio.NewWriter(c)), nil
}

// SetReadDeadline, SetWriteDeadline and EnableFullDuplex are for [http.ResponseController].
func (w *writer) SetReadDeadline(t time.Time) error { return w.conn.SetReadDeadline(t) }

// SetWriteDeadline bounds the next write only.
func (w *writer) SetWriteDeadline(t time.Time) error { return w.conn.SetWriteDeadline(t) }

// EnableFullDuplex returns nil: request and response never wait for each other here.
func (w *writer) EnableFullDuplex() error { return nil }
