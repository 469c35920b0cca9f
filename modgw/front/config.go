package front

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/front/forwarded"
	"github.com/modgw/modgw/modgw/listen"
)

// Config are the settings of a front that web servers bring requests to: FastCGI, SCGI and uwsgi.
type Config struct {
	Handler http.Handler // serves the requests
	Log     *slog.Logger // nil: nothing is logged

	// Refused is called with each request that Handler never sees, as far as it was understood, the
	// status of its answer, and the reason. It must not wait. nil: nothing is called.
	Refused func(r *http.Request, status int, f *modgw.Fault)

	// Peers may connect; others are closed before a byte of theirs is read. Zero: those that may
	// open the Unix socket, and over TCP this machine.
	Peers listen.Peers

	// TrustedPeer reports whether a peer may name the app with MODGW_APP; nil: every peer that may
	// connect.
	TrustedPeer func(net.Conn) bool

	// TrustedProxies may describe the client in headers, if the web server names one of them as the
	// client. Such headers from all others are removed.
	TrustedProxies forwarded.Proxies

	// MaxConnections is the largest number of simultaneous connections; more wait in the socket's
	// backlog. 0: that of [listen.DefaultMaxConnections].
	MaxConnections int

	// ReadTimeout bounds a pause within a request: between two reads of its variables or, where it
	// is waited for, its body. 0: two minutes.
	ReadTimeout time.Duration

	// WriteTimeout bounds how long a peer may take nothing of a response. 0: two minutes.
	WriteTimeout time.Duration

	// DrainTimeout is how long requests in flight may take after Serve was told to end. 0: 30
	// seconds.
	DrainTimeout time.Duration
}

// WithDefaults is c with every zero filled in.
func (c Config) WithDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Refused == nil {
		c.Refused = func(*http.Request, int, *modgw.Fault) {}
	}
	if c.TrustedPeer == nil {
		c.TrustedPeer = func(net.Conn) bool { return true }
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = listen.DefaultMaxConnections()
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 2 * time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 2 * time.Minute
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 30 * time.Second
	}
	return c
}

// Door returns the rules of c about who may connect.
func (c Config) Door() listen.Door {
	return listen.Door{Peers: c.Peers, Most: c.MaxConnections, Log: c.Log}
}
