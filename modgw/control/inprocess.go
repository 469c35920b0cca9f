package control

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/modgw/modgw/modgw/listen"
)

// As returns a client that sends requests to the server within this process, with the rights of a
// user. Its requests are refused and logged in the audit log as if the user had sent them over the
// socket.
func (s *Server) As(uid uint32) *Client {
	return &Client{address: "this process", http: &http.Client{Transport: &inProcess{s.handler(), s.Host, uid, s.Log}}}
}

// handler returns the handler of the API.
func (s *Server) handler() http.Handler {
	s.once.Do(func() {
		if s.Log == nil {
			s.Log = slog.New(slog.DiscardHandler)
		}
		s.api = s.mux()
	})
	return s.api
}

// inProcess has a handler in this process answer requests.
type inProcess struct {
	handler http.Handler
	rights  Rights
	uid     uint32
	log     *slog.Logger
}

// RoundTrip returns when the handler has begun its response.
func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	who := caller{uid: p.uid, admin: p.rights.IsAdmin(p.uid)}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), callerKey{}, who))
	body, pipe := io.Pipe()
	w := &pipeWriter{
		pipe: pipe, header: http.Header{}, begun: make(chan struct{}),
		response: &http.Response{
			Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: &pipeBody{body, cancel},
		},
	}
	go func() {
		defer cancel()
		defer pipe.Close()
		defer w.contain(p.log)
		p.handler.ServeHTTP(w, r.Clone(ctx))
		w.WriteHeader(http.StatusOK)
	}()
	<-w.begun
	return w.response, nil
}

// pipeBody is a body that ends its handler when it is closed.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close ends the handler.
func (b *pipeBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

// pipeWriter writes a response to a pipe.
type pipeWriter struct {
	pipe     *io.PipeWriter
	header   http.Header
	begin    sync.Once
	begun    chan struct{} // closed when response has its head
	response *http.Response
}

// Header implements [http.ResponseWriter].
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader begins the response.
func (w *pipeWriter) WriteHeader(status int) {
	w.begin.Do(func() {
		w.response.StatusCode, w.response.Status = status, http.StatusText(status)
		w.response.Header = w.header.Clone()
		close(w.begun)
	})
}

// Write implements [io.Writer].
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// contain breaks the response off if its handler has panicked, which must not end the host. It must
// be deferred directly.
func (w *pipeWriter) contain(log *slog.Logger) {
	if value := recover(); value != nil {
		listen.LogPanic(value, nil, log)
		w.WriteHeader(http.StatusInternalServerError)
		w.pipe.CloseWithError(io.ErrUnexpectedEOF)
	}
}

// Flush implements [http.Flusher]; nothing is kept.
func (w *pipeWriter) Flush() {}
