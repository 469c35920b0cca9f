package http

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxStreams is the largest number of requests in flight on one HTTP/2 connection.
const maxStreams = 100

// handedOver is the listener that net/http's server of HTTP/2 knows: connections whose clients
// speak that.
type handedOver struct {
	addr   net.Addr
	conns  chan *conn
	closed chan struct{}
	once   sync.Once
}

func newHandedOver(addr net.Addr) *handedOver {
	return &handedOver{addr: addr, conns: make(chan *conn), closed: make(chan struct{})}
}

// Accept waits for the next connection.
func (l *handedOver) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept fail.
func (l *handedOver) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address of the listener that the connections come from.
func (l *handedOver) Addr() net.Addr { return l.addr }

// hand gives a connection to the server of HTTP/2, which ends it.
func (c *conn) hand() {
	s := c.server
	c.handed = true
	left := c.left
	c.left = func() {
		c.presence.close()
		c.know()
		left()
	}
	c.ctx = c.presence.context(s.base)
	select {
	case s.handed.conns <- c:
	case <-s.handed.closed:
		c.Close()
	}
}

// newHTTP2 is net/http's server of HTTP/2. It knows nothing of TLS, so that HTTP/2 begins on both
// kinds of connection in the same way.
func (s *Server) newHTTP2() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           s,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: s.config.HeaderTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    s.config.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
		ConnContext: func(_ context.Context, c net.Conn) context.Context {
			return context.WithValue(c.(*conn).ctx, peerKey{}, c.(*conn).peer)
		},
	}
}

// ServeHTTP serves a request of HTTP/2.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.group.Add(1)
	defer s.group.Done()
	p, _ := r.Context().Value(peerKey{}).(*peer)
	if !hasItsLength(r) {
		panic(http.ErrAbortHandler) // an error of the stream (RFC 9113 section 8.1.1)
	}
	w := &response{ResponseWriter: rw, server: s, conn: p.conn, request: r, trusted: p.trusted}
	if r.ContentLength != 0 {
		w.body = s.newBody(r.ContentLength)
		w.body.source = r.Body.Read
		w.body.setDeadline = http.NewResponseController(rw).SetReadDeadline // of the stream
		r.Body = w.body
	}
	s.respond(r.Context(), w, r, p)
}

// inTime limits the time of writes over HTTP/2 until the returned function is called: there a
// client can stall one response and not the connection. Over HTTP/1 the connection limits each
// write.
func (w *response) inTime() (sent func()) {
	control := http.NewResponseController(w.ResponseWriter)
	// there is no error with HTTP/2
	_ = control.SetWriteDeadline(time.Now().Add(w.server.config.WriteTimeout))
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}
