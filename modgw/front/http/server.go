package http

import (
	"context"
	"errors"
	"net"
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

// newcomerGrace is how long a connection that was accepted just before the end may take to begin.
const newcomerGrace = time.Second

// Server is the HTTP front.
type Server struct {
	config    Config
	limits    http1.Limits
	trust     trust
	base      context.Context // parent of the requests' contexts
	opening   context.Context // done when connections must have been opened
	handed    *handedOver     // connections that speak HTTP/2
	conns     listen.Conns[connection]
	draining  atomic.Bool    // no connection waits for another request
	begun     chan struct{}  // closes when connections can be served
	newcomers sync.WaitGroup // connections whose first request no handler has yet
	group     sync.WaitGroup // handlers of HTTP/2, and its shutdown
	date      http1.Date

	// onLoop serves ordinary requests. Nil means that goroutines serve all.
	onLoop *onloop.Server

	// ends watches for clients that leave. Nil means that it could not be made.
	ends *eventloop.Loop
}

// connection is one of a client, on a goroutine or on the loop.
type connection interface {
	begin(ended func()) // has it served, and ended called when it has ended for good
	Drain()             // ends it as soon as no request is in flight
	Cut(error)          // ends it at once
}

// New returns a server. It starts nothing.
func New(config Config) *Server {
	config = config.withDefaults()
	s := &Server{
		config: config,
		limits: http1.Limits{HeadBytes: config.MaxHeaderBytes, Fields: config.MaxHeaders},
		trust:  trust{proxies: config.TrustedProxies, unix: config.TrustUnix},
		onLoop: newOnLoop(config),
		begun:  make(chan struct{}),
	}
	s.conns = listen.Conns[connection]{
		Door:         listen.Door{Peers: s.peers(), Most: config.MaxConnections, Log: config.Log},
		DrainTimeout: config.DrainTimeout,
		Open:         func(_ context.Context, rwc net.Conn) connection { return s.openConn(rwc, false) },
		Begin: func(c connection, ended func()) bool {
			c.begin(ended)
			return true
		},
		Leave: func(c connection, h *listen.Handover) bool {
			onLoop, ok := c.(*looped)
			if ok {
				onLoop.Leave(h)
			}
			return ok
		},
		Drain: connection.Drain,
	}
	return s
}

// Serve accepts connections from ln and serves their requests until ctx is done. Then it closes ln,
// lets requests in flight finish within the drain timeout, or passes connections on after
// [Server.SetHandover], and returns nil when everything it started has ended. It may be called
// once. An error means that ln has failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cutOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutOff(nil)
	opening, hurry := context.WithCancel(base)
	defer hurry()
	s.base, s.opening, s.handed = base, opening, newHandedOver(ln.Addr())
	if loops := s.config.Loops; len(loops) > 0 {
		s.ends = loops[0]
	} else if own, err := eventloop.New(); err != nil {
		s.config.Log.Warn("clients that leave are noticed late", "error", err)
	} else {
		defer own.Close()
		s.ends = own
	}
	http2 := s.newHTTP2()
	s.group.Go(func() { _ = http2.Serve(s.handed) }) // it ends when that is closed
	s.conns.Ending = func(limit context.Context, h *listen.Handover) {
		s.draining.Store(h == nil || s.onLoop == nil)
		time.AfterFunc(newcomerGrace, hurry)
		s.group.Go(func() {
			s.awaitNewcomers()
			_ = http2.Shutdown(limit) // connections that are left are cut
		})
	}
	s.conns.Cut = func(c connection) {
		cutOff(errDrained)
		c.Cut(errDrained)
	}
	close(s.begun)
	err := s.conns.Run(ctx, ln)
	s.handed.Close()
	http2.Close()
	s.group.Wait()
	return err
}

// SetHandover has connections without TLS passed to another process, instead of ended, when the ctx
// of Serve is done.
func (s *Server) SetHandover(h listen.Handover) { s.conns.SetHandover(h) }

// Adopt serves a connection that another process has passed, until Serve ends. used reports whether
// the connection has carried a request.
func (s *Server) Adopt(rwc net.Conn, used bool) {
	<-s.begun
	s.conns.Adopt(rwc, func() connection { return s.openConn(rwc, used) })
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

// openConn wraps an accepted connection, on the loop if that is possible. used reports whether the
// connection has carried a request.
func (s *Server) openConn(rwc net.Conn, used bool) connection {
	s.newcomers.Add(1)
	c := newConn(s, rwc)
	c.served = used
	if s.onLoop != nil {
		c.peer = s.trust.peerOf(c)
		if onLoop, ok := s.onLoop.Accept(rwc, &loopConn{conn: c}); ok {
			c.Conn, c.raw = nil, nil
			return &looped{onLoop, c}
		}
	}
	c.watchEnd()
	return c
}

// know reports that the connection's first request has a handler, or never will.
func (c *conn) know() { c.known.Do(c.server.newcomers.Done) }

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
