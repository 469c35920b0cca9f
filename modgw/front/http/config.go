package http

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

// Config is the configuration of a Server.
type Config struct {
	// Handler answers requests. Over HTTP/1 a request's Header and URL are reused for the
	// connection's next request, so a handler must not use them after it has returned.
	Handler http.Handler

	Log *slog.Logger // nil: nothing is logged

	// Refused is called with each request that Handler never sees, as far as it was understood, the
	// status of its answer, and the reason. It must not wait. nil: nothing is called.
	Refused func(r *http.Request, status int, f *modgw.Fault)

	// Loops are where ordinary requests without TLS are served if Handler is a [modgw.LoopHandler];
	// none: goroutines serve all. They must not be closed before Serve has returned.
	Loops []*eventloop.Loop

	// TLS is the configuration of connections with TLS; nil: no TLS. It must negotiate "http/1.1"
	// or "h2", or else the connection ends after the handshake.
	TLS *tls.Config

	// TrustedProxies are the peers whose forwarded headers are believed; nil: none is.
	TrustedProxies []netip.Prefix

	// TrustUnix makes every client of a Unix socket a trusted proxy: the socket's permissions
	// decide who that is.
	TrustUnix bool

	// ProxyProtocol makes every connection begin with a header in which a proxy names its client
	// (PROXY protocol, version 1 or 2). Only trusted proxies may connect then.
	ProxyProtocol bool

	// peers that may connect over TCP; nil: anyone. It does not count with ProxyProtocol
	Allow []netip.Prefix
	// users whose processes on this machine may connect; nil without GIDs: any
	UIDs []uint32
	GIDs []uint32 // groups whose members may, in addition
	// at once; more wait in the socket's backlog; 0: that of [listen.DefaultMaxConnections]
	MaxConnections int

	// for a request's head, from its first byte, and for anything before it; 0: 10 seconds
	HeaderTimeout time.Duration
	IdleTimeout   time.Duration // between two requests; 0: 60 seconds
	// for each write of a response, which as a whole may last for ever; 0: 60 seconds
	WriteTimeout time.Duration
	// limit of a request's head; a longer one is answered 431, or 414 for its target; 0: 64 KiB
	MaxHeaderBytes int
	MaxHeaders     int // fields of a request; one with more is answered 431; 0: 256

	// A request's body may keep its reader waiting for BodyGrace and one second more for each
	// MinBodyRate bytes of it.
	BodyGrace   time.Duration // 0: 20 seconds
	MinBodyRate int           // bytes per second; 0: 500

	// DrainTimeout is how long requests in flight may take after Serve was told to end. 0: 30
	// seconds.
	DrainTimeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&c.HeaderTimeout, 10*time.Second)
	fill(&c.IdleTimeout, 60*time.Second)
	fill(&c.WriteTimeout, 60*time.Second)
	fill(&c.BodyGrace, 20*time.Second)
	fill(&c.DrainTimeout, 30*time.Second)
	if c.MaxConnections == 0 {
		c.MaxConnections = listen.DefaultMaxConnections()
	}
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = 64 << 10
	}
	if c.MaxHeaders == 0 {
		c.MaxHeaders = 256
	}
	if c.MinBodyRate == 0 {
		c.MinBodyRate = 500
	}
	return c
}
