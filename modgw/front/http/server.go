package http

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// maxStreams is how many requests one HTTP/2 connection may have in flight.
const maxStreams = 100

// Server is the HTTP front.
type Server struct {
	config Config
	trust  trust
	group  sync.WaitGroup // of connections, lingering ones too, and handlers
}

// New makes a server. It starts nothing.
func New(config Config) *Server {
	config = config.withDefaults()
	return &Server{config: config, trust: trust{networks: config.TrustedProxies, unix: config.TrustUnix}}
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln, lets requests in
// flight finish within the drain timeout, and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	server := s.httpServer(base)
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.drain(server, cutOff)
	})
	err := server.Serve(&listener{Listener: ln, server: s})
	if !stop() {
		<-drained
	}
	server.Close()
	s.group.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

var errDrained = errors.New("the host ends and could not wait any longer")

// drain waits for requests in flight, and ends them by force when it has waited long enough.
func (s *Server) drain(server *http.Server, cutOff context.CancelCauseFunc) {
	limit, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	err := server.Shutdown(limit)
	ended := make(chan struct{})
	go func() {
		s.group.Wait() // hijacked connections, which Shutdown does not wait for
		close(ended)
	}()
	if err == nil {
		select {
		case <-ended:
			return
		case <-limit.Done():
		}
	}
	s.config.Log.Warn("requests cut off", "after", s.config.DrainTimeout)
	cutOff(errDrained)
	server.Close()
	<-ended
}

func (s *Server) httpServer(base context.Context) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           s,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: s.config.HeaderTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    s.config.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       s.trust.connContext,
		ConnState:         s.follow,
	}
}

// follow keeps the group in step with the connections, and the guards away from those that are not HTTP/1 any more. A
// hijacked connection counts by its handler.
func (s *Server) follow(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.group.Add(1)
	case http.StateClosed:
		s.group.Done()
	case http.StateHijacked:
		c.(*conn).guard.stepAside()
		s.group.Done()
	}
}

// listener makes its connections guarded ones.
type listener struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, server: l.server}, nil
}
