package modgw

import (
	"net/netip"
	"time"
)

// HostFile has the contents of the host's own HCL file. Its zero value is a host without apps and
// listeners.
type HostFile struct {
	File string   // absolute; "" when there is none
	Apps []string // absolute globs of descriptor files
	// absolute folder of environments and last good generations; "": the default
	State          string
	Listeners      []Listener     // in file order
	Control        string         // address of the control socket; "": the default below State
	TrustedProxies []netip.Prefix // peers whose forwarded headers are believed
	Sources        []string       // further files that were read to make it
	AccessLog      *AccessLog     // nil: there is none
	Metrics        *Metrics       // nil: they are on the control socket alone
	Tracing        *Tracing       // nil: no request is traced
	Dashboard      *Dashboard     // nil: it listens when a link is asked for
	// limits for slow clients of all apps; see [DefaultHostSpool]
	Spool HostSpool

	// Admins are the users, and "@" and groups, with root's rights over every app on the control
	// socket. Empty: only root and the host's own user.
	Admins []string

	// Tenants limit the claims of users in their own descriptors. nil: each user may claim anything
	// that is free.
	Tenants []Tenant
}

// AccessLog is a log with a line for each request.
type AccessLog struct {
	File   string // "stdout", "stderr", or an absolute path
	Format string // "combined", "json", or a template, as package accesslog reads it
}

// Metrics is a listener with metrics for Prometheus.
type Metrics struct {
	Address Address // listens there for GET /metrics
}

// Tracing sends spans of requests to a collector of OpenTelemetry.
type Tracing struct {
	// Endpoint is the URL that OTLP's paths are below, such as "http://127.0.0.1:4318".
	Endpoint string

	// Sample is the part of the requests that are traced, from 0 to 1, of those that do not
	// continue a trace. A request that does is traced if its sender is.
	Sample float64

	// Continue selects the senders whose traces requests continue.
	Continue TraceSender

	Headers map[string]string // further headers for the collector; they may be secret
}

// TraceSender selects who may set, with the header traceparent, the trace of a request, and whether
// it is recorded. The zero value is ContinueFront.
type TraceSender string

// The senders.
const (
	ContinueFront TraceSender = "front" // web servers in front, and trusted proxies
	ContinueAll   TraceSender = "all"   // all clients
	ContinueNone  TraceSender = "none"  // no sender: each request begins a trace
)

// Dashboard is a listener with pages for browsers.
type Dashboard struct {
	Address Address // a Unix socket, or a loopback address
	URL     string  // its URL at a web server in front; "": there is none
}

// HostSpool limits the bytes that the host keeps for slow clients of all apps together. If both are
// 0, nothing is kept.
type HostSpool struct {
	Memory int64 // bytes of memory; 0: none
	Disk   int64 // bytes of files in the state folder; 0: none
}

// DefaultHostSpool is the spool of a host without its own file.
var DefaultHostSpool = HostSpool{Memory: 64 << 20, Disk: 4 << 30}

// Protocols returns the protocols of the fronts, as in the label of a listen block.
func Protocols() []string { return []string{"fastcgi", "http", "uwsgi", "scgi"} }

// Listener is one address on which a front listens.
type Listener struct {
	Kind    string  // one of [Protocols]
	Address Address // address to listen on
	Mode    uint32  // permission bits of a Unix socket; 0: 0660
	Owner   string  // user that owns a Unix socket; "": unchanged
	Group   string  // group that owns a Unix socket; "": unchanged

	// peers that may connect over TCP; nil: anybody by "http", and this machine by the others
	Allow []netip.Prefix
	// users, and "@" and groups, whose processes on this machine may connect; nil: see
	// [Listener.Trusting]
	AllowUsers     []string
	MaxConnections int // at once; 0: as the process's file descriptors allow

	// The rest is for "http" alone. Zero times and sizes are the defaults of the front.

	HeaderTimeout time.Duration // for the head of a request, from its first byte
	IdleTimeout   time.Duration // between two requests of a connection
	BodyTimeout   time.Duration // how long a body may pause in addition to the time for BodyRate
	// bytes of a body for which it may keep the host waiting a second more
	BodyRate     int64
	WriteTimeout time.Duration // for each write of a response
	MaxHeader    int64         // bytes of the head of a request
	MaxHeaders   int           // headers of a request

	// connections begin with a PROXY protocol header; only TrustedProxies may connect
	ProxyProtocol bool
	// by the name that a client asks for, else the first; nil without ACME: there is no TLS
	TLS  []Certificate
	ACME *ACME // an authority that gives certificates; nil: there is none
	// file with the authorities of clients' certificates; "": clients are not asked for one
	ClientCA      string
	RedirectHTTPS bool // every request is sent to the same address with https

	ClientCertificate ClientCertificate // whether a client must have a certificate; "": it must
}

// Encrypted reports whether the listener speaks TLS.
func (l Listener) Encrypted() bool { return l.TLS != nil || l.ACME != nil }

// Trusting reports whether the listener believes its peers about the client: they should be web
// servers. If AllowUsers is nil, the permissions of a Unix socket decide who may connect. Over TCP,
// on this machine, only root, the host's own user and the users of web servers may.
func (l Listener) Trusting() bool { return l.Kind != "http" || l.Address.Network() == "unix" }

// Public reports whether the listener is for clients or balancers: a web server in front of the
// host would have to speak TLS to it or the PROXY protocol, or would be sent to HTTPS.
func (l Listener) Public() bool { return l.Encrypted() || l.ProxyProtocol || l.RedirectHTTPS }

// Protocol returns the clients' name of the listener's protocol: its kind, or "https".
func (l Listener) Protocol() string {
	if l.Encrypted() {
		return "https"
	}
	return l.Kind
}

// Certificate are the files of a certificate.
type Certificate struct {
	File string // PEM: the certificate, then the intermediate ones
	Key  string // PEM
}

// ACME is an authority that gives certificates to clients that prove control of a name (RFC 8555).
type ACME struct {
	Email     string   // for the authority to write to; "": none
	Hosts     []string // names to get certificates for, in lower case
	Directory string   // URL; "": Let's Encrypt
}

// ClientCertificate is whether a client with TLS must have a certificate.
type ClientCertificate string

// The values of ClientCertificate.
const (
	ClientCertificateRequired ClientCertificate = "required"
	ClientCertificateOptional ClientCertificate = "optional"
)
