package http

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/listen"
)

// maxStreams is how many requests one HTTP/2 connection may have in flight.
const maxStreams = 100

// newcomerGrace is how long a connection that was accepted last of all may take to say who it is.
const newcomerGrace = time.Second

// Server is the HTTP front.
type Server struct {
	config     Config
	trust      trust
	headLimits headLimits
	lobby      *lobby
	hangups    *hangups       // nil: there is none, and net/http has to listen itself
	opening    sync.WaitGroup // of connections that are not ready for requests yet
	newcomers  sync.WaitGroup // of connections whose first request no handler has yet
	group      sync.WaitGroup // of connections, lingering ones too, and handlers
}

// New makes a server. It starts nothing.
func New(config Config) *Server {
	config = config.withDefaults()
	return &Server{
		config: config,
		trust:  trust{proxies: config.TrustedProxies, unix: config.TrustUnix},
		lobby:  newLobby(),

		headLimits: headLimits{octets: config.MaxHeaderBytes, fields: config.MaxHeaders},
	}
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln, lets requests in
// flight finish within the drain timeout, and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	server := s.httpServer(base)
	s.lobby.addr = ln.Addr()
	defer s.listenForHangups()()
	served := make(chan struct{})
	go func() {
		_ = server.Serve(s.lobby) // it ends when the lobby is closed
		close(served)
	}()

	opening, hurry := context.WithCancel(base)
	defer hurry()
	door := listen.Door{Peers: s.peers(), Most: s.config.MaxConnections, Log: s.config.Log}
	err := door.Accept(ctx, ln, func(rwc net.Conn, left func()) { s.receive(opening, rwc, left) })

	last := time.AfterFunc(newcomerGrace, hurry)
	s.opening.Wait()
	last.Stop()
	s.lobby.Close()
	<-served
	s.awaitNewcomers()
	s.drain(server, cutOff)
	server.Close()
	s.group.Wait()
	return err
}

// listenForHangups returns what ends that.
func (s *Server) listenForHangups() (end func()) {
	h, err := newHangups()
	if err != nil {
		s.config.Log.Warn("clients that leave cost more to notice", "error", err)
		return func() {}
	}
	s.hangups = h
	ended := make(chan struct{})
	go func() {
		h.run()
		close(ended)
	}()
	return func() {
		h.close()
		<-ended
	}
}

// peers may connect. Where proxies are to name their clients nobody else may: they could name any.
func (s *Server) peers() listen.Peers {
	p := listen.Anyone()
	switch {
	case s.config.ProxyProtocol:
		p.Networks = append([]netip.Prefix{}, s.config.TrustedProxies...)
	case s.config.Allow != nil:
		p.Networks = s.config.Allow
	}
	p.UIDs, p.GIDs = s.config.UIDs, s.config.GIDs
	return p
}

// receive hands a connection to net/http when it is ready for requests.
func (s *Server) receive(ctx context.Context, rwc net.Conn, left func()) {
	c := newConn(s, rwc, left)
	c.watched = s.hangups.add(c)
	if !s.config.ProxyProtocol && s.config.TLS == nil {
		s.lobby.enter(c)
		return
	}
	s.opening.Go(func() {
		defer listen.Contain(c, s.config.Log)
		if err := c.open(ctx); err != nil {
			s.notOpened(c, err)
			return
		}
		s.lobby.enter(c)
	})
}

// notOpened ends a connection on which there will be no request. Strangers who look for open ports are no news.
func (s *Server) notOpened(c *conn, err error) {
	client := c.RemoteAddr().String()
	if f, ok := errors.AsType[*modgw.Fault](err); ok {
		s.config.Log.Warn("connection refused", "code", f.Code, "error", f.Line(), "client", client)
	} else {
		s.config.Log.Debug("connection ended before its first request", "error", err, "client", client)
	}
	c.Close()
}

var errDrained = errors.New("the host ends and could not wait any longer")

// awaitNewcomers waits, for newcomerGrace at most, until every connection has its first request in a handler, or has
// ended: net/http would read that request and drop it without an answer once it is shut down.
func (s *Server) awaitNewcomers() {
	all := make(chan struct{})
	go func() {
		s.newcomers.Wait()
		close(all)
	}()
	select {
	case <-all:
	case <-time.After(newcomerGrace):
	}
}

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

// httpServer is net/http's server. It knows nothing of TLS: the guard stands behind the decryption, and HTTP/2 begins on
// both kinds of connection in the same way.
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
		MaxHeaderBytes:    s.config.MaxHeaderBytes, // of HTTP/2; with HTTP/1 the guard is stricter
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       s.connContext,
		ConnState:         s.follow,
	}
}

// connContext is that of all requests of a connection.
func (s *Server) connContext(ctx context.Context, c net.Conn) context.Context {
	return s.trust.connContext(c.(*conn).presence.context(ctx), c)
}

// follow keeps the group in step with the connections, and the guards away from those that are not HTTP/1 any more. A
// hijacked connection counts by its handler.
func (s *Server) follow(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.group.Add(1)
		s.newcomers.Add(1)
	case http.StateClosed:
		c.(*conn).presence.close()
		c.(*conn).known.Do(s.newcomers.Done)
		s.group.Done()
	case http.StateHijacked:
		c.(*conn).presence.release()
		c.(*conn).known.Do(s.newcomers.Done)
		c.(*conn).guard.stepAside()
		s.group.Done()
	}
}
