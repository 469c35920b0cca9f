package http

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/onloop"
	"github.com/modgw/modgw/modgw/http1"
	"github.com/modgw/modgw/modgw/listen"
)

// newcomerGrace is how long a connection that was accepted last of all may take to say who it is.
const newcomerGrace = time.Second

// Server is the HTTP front.
type Server struct {
	config    Config
	limits    http1.Limits
	trust     trust
	base      context.Context                 // parent of the requests' contexts
	handed    *handedOver                     // connections that speak HTTP/2
	draining  atomic.Bool                     // no connection waits for another request
	handover  atomic.Pointer[listen.Handover] // nil: connections end with Serve
	begun     chan struct{}                   // closes when connections can be served
	gate      listen.Gate                     // for connections that another process has passed
	newcomers sync.WaitGroup                  // connections whose first request no handler has yet
	group     sync.WaitGroup                  // connections, lingering ones too, and handlers
	date      http1.Date

	mu    sync.Mutex
	conns map[connection]struct{} // open ones that speak HTTP/1, or nothing yet

	// onLoop serves ordinary requests. Nil means that goroutines serve all.
	onLoop *onloop.Server

	// ends watches for clients that leave. Nil means that it could not be made.
	ends *eventloop.Loop
}

// connection is one that speaks HTTP/1, or nothing yet, on a goroutine or on the loop.
type connection interface {
	Drain()    // ends it as soon as no request is in flight
	Cut(error) // ends it at once
}

// New returns a server. It starts nothing.
func New(config Config) *Server {
	config = config.withDefaults()
	return &Server{
		config: config,
		limits: http1.Limits{HeadBytes: config.MaxHeaderBytes, Fields: config.MaxHeaders},
		trust:  trust{proxies: config.TrustedProxies, unix: config.TrustUnix},
		conns:  map[connection]struct{}{},
		onLoop: newOnLoop(config),
		begun:  make(chan struct{}),
	}
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln,
// lets requests in flight finish within the drain timeout, or leaves connections after
// [Server.SetHandover], and returns nil when nothing it started is left. It may be called once; an
// error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	s.base, s.handed = base, newHandedOver(ln.Addr())
	if loops := s.config.Loops; len(loops) > 0 {
		s.ends = loops[0]
	} else if own, err := eventloop.New(); err != nil {
		s.config.Log.Warn("clients that leave are noticed late", "error", err)
	} else {
		defer own.Close()
		s.ends = own
	}
	http2 := s.newHTTP2()
	served := make(chan struct{})
	go func() {
		_ = http2.Serve(s.handed) // it ends when that is closed
		close(served)
	}()

	opening, hurry := context.WithCancel(base)
	defer hurry()
	close(s.begun)
	door := listen.Door{Peers: s.peers(), Most: s.config.MaxConnections, Log: s.config.Log}
	err := door.Accept(ctx, ln, func(rwc net.Conn, left func()) { s.receive(opening, rwc, false, left) })

	last := time.AfterFunc(newcomerGrace, hurry)
	s.drain(http2, cutOff)
	last.Stop()
	s.handed.Close()
	http2.Close()
	<-served
	s.group.Wait()
	return err
}

// SetHandover has connections without TLS passed to another process, instead of ended, when the ctx
// of Serve is done.
func (s *Server) SetHandover(h listen.Handover) { s.handover.Store(&h) }

// Adopt serves a connection that another process has passed, until Serve ends. used says that there
// was a request on it.
func (s *Server) Adopt(rwc net.Conn, used bool) {
	<-s.begun
	if !s.gate.Enter(func() { s.receive(s.base, rwc, used, func() {}) }) {
		rwc.Close()
	}
}

// peers may connect. Where proxies are to name their clients no one else may: they could name any.
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

// receive serves a connection that was accepted. used says that there was a request on it.
func (s *Server) receive(opening context.Context, rwc net.Conn, used bool, left func()) {
	if s.receiveOnLoop(rwc, used, left) {
		return
	}
	c := newConn(s, rwc, left)
	c.served = used
	c.watchEnd()
	s.add(c)
	s.newcomers.Add(1)
	s.group.Go(func() { c.run(opening) })
}

// know says that the connection's first request has a handler, or never will.
func (c *conn) know() { c.known.Do(c.server.newcomers.Done) }

// add keeps a connection until remove.
func (s *Server) add(c connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
}

// remove forgets a connection that does not speak HTTP/1 any more.
func (s *Server) remove(c connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// each calls f for every connection that speaks HTTP/1. None is forgotten meanwhile.
func (s *Server) each(f func(connection)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}

// notOpened ends a connection on which there will be no request. Strangers who look for open ports
// are no news.
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

// drain waits for requests in flight, and ends them by force when it has waited long enough.
func (s *Server) drain(http2 *http.Server, cutOff context.CancelCauseFunc) {
	s.gate.Close()
	h := s.handover.Load()
	limit, cancel := h.Limit(s.config.DrainTimeout)
	defer cancel()
	s.draining.Store(h == nil || s.onLoop == nil)
	s.each(func(c connection) {
		if onLoop, ok := c.(*onloop.Conn); ok && h != nil {
			onLoop.Leave(h)
			return
		}
		c.Drain()
	})
	s.awaitNewcomers()
	err := http2.Shutdown(limit)
	ended := make(chan struct{})
	go func() {
		s.group.Wait()
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
	http2.Close()
	s.each(func(c connection) { c.Cut(errDrained) })
	<-ended
}

// awaitNewcomers waits, for newcomerGrace at most, until every connection has its first request in
// a handler, or has ended: the server of HTTP/2 would read that request and drop it without an
// answer once it is shut down.
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
