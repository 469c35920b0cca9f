package modgw

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// Outcome is how a request has ended.
type Outcome struct {
	// Status is that of the response. Zero means that there was none: the client left first, or the
	// connection was broken off.
	Status int

	// Bytes counts what was written of the response's body.
	Bytes int64

	// Broken is set for a response that was broken off.
	Broken bool

	// App and Generation are those that answered. They are empty and zero where the host did
	// itself.
	App        AppName
	Generation int

	// Took is the time since the head of the request was complete.
	Took time.Duration
}

// observeEnd serves a request and calls Ended of the configuration with its outcome.
func (g *Gateway) observeEnd(w http.ResponseWriter, r *http.Request, info *RequestInfo, serve func(http.ResponseWriter)) {
	if g.config.Ended == nil || info.redirects > 0 {
		serve(w)
		return
	}
	counted := &countedResponse{ResponseWriter: w}
	returned := false
	defer func() {
		o := info.outcome(counted.status, counted.bytes)
		o.Broken = !returned
		g.config.Ended(r, info, o)
	}()
	serve(counted)
	returned = true
}

func (i *RequestInfo) outcome(status int, bytes int64) Outcome {
	o := Outcome{Status: status, Bytes: bytes, Took: time.Since(i.Received)}
	if i.generation != nil {
		o.App, o.Generation = i.generation.Descriptor.Name, i.generation.Number
	}
	return o
}

// countedResponse notes status and length of a response.
type countedResponse struct {
	http.ResponseWriter
	status int // zero until the head is written
	bytes  int64
}

// Unwrap is for [http.ResponseController].
func (w *countedResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status of the response itself, not of those that announce it.
func (w *countedResponse) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedResponse) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Write implements [io.Writer].
func (w *countedResponse) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom], which sends files without copying them.
func (w *countedResponse) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Flush is FlushError for those who know [http.Flusher] alone.
func (w *countedResponse) Flush() { _ = w.FlushError() }

// FlushError sends what was written.
func (w *countedResponse) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over, where it can be. What is sent on it is not counted.
func (w *countedResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
