package modgw

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// countedResponse records status, length and start of a response. It is a part of its request's
// info, so that it needs no allocation.
type countedResponse struct {
	http.ResponseWriter // nil while no response is counted
	info                *RequestInfo
	status              int // zero until the head is written
	bytes               int64
	upgraded            bool // the connection has become another protocol
}

// Unwrap is for [http.ResponseController].
func (w *countedResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status of the response itself, not of those that announce it.
func (w *countedResponse) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// begin notes the status of the response, once.
func (w *countedResponse) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	w.info.firstByte = max(1, w.info.elapsed())
	if slow := w.info.slow; slow != nil {
		endless := status == http.StatusSwitchingProtocols || IsEventStream(w.Header())
		slow.begin(w.info.firstByte, endless)
	}
	if status == http.StatusSwitchingProtocols && w.info.gateway != nil {
		w.upgraded = true
		counts := w.info.meter(w.info.gateway)
		counts.Upgrades.Add(1)
		counts.Upgraded.Add(1)
	}
}

// Write implements [io.Writer].
func (w *countedResponse) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// WriteBriefly implements [BriefWriter].
func (w *countedResponse) WriteBriefly(p []byte, d time.Duration) (int, error) {
	w.begin(http.StatusOK)
	n, err := writeBriefly(w.ResponseWriter, p, d)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom], which sends files without copying them.
func (w *countedResponse) ReadFrom(src io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Flush is FlushError for callers that only know [http.Flusher].
func (w *countedResponse) Flush() { _ = w.FlushError() }

// FlushError sends the bytes written so far.
func (w *countedResponse) FlushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands over the connection, if possible. Bytes sent on it are not counted.
func (w *countedResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begin(http.StatusSwitchingProtocols)
	}
	return conn, rw, err
}
