package modgw

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/tracecontext"
)

// RequestInfo has the facts about a request that CGI has and [http.Request] has not. A front makes
// one for each request, the gateway completes it, and a runner reads it. It belongs to its request
// and is not shared between goroutines until a runner has it.
type RequestInfo struct {
	// Set by the front.

	// "fcgi", "http", "uwsgi" or "scgi"; [Listener].Kind is "fastcgi" for the first
	Front string
	// the app that a trusted front named with MODGW_APP; "": route by host and path
	App AppName
	// the decoded path that the web server authorised, as bytes; begins with "/"
	Path      string
	RawTarget string    // the request target as the client sent it, with its query: REQUEST_URI
	Received  time.Time // when the request's head was complete

	// WebScript is the beginning of Path that the web server considers its own script, its
	// SCRIPT_NAME. WebMount is the same as clients see it: it differs if the server has rewritten
	// their path to reach the script. "" over HTTP.
	WebScript string
	WebMount  string

	// Authorizer is set when the web server asks whether a request may pass, and does not want it
	// answered: status 200 lets it pass. Handlers that do not know this role must not get the
	// request.
	Authorizer bool

	// Prefix is a part of the URL before every mount. It is not in Path: the function that sets it
	// has removed it there.
	Prefix string

	ServerName string // SERVER_NAME; "" lets the runner use the Host header
	// SERVER_PORT; "" lets the runner use the Host header or the scheme's default
	ServerPort     string
	ServerSoftware string // SERVER_SOFTWARE of the web server in front; "": none
	Scheme         string // "http" or "https"
	RemoteAddr     string // the client's address without port; "" when unknown
	RemotePort     string // the client's port; "" when unknown
	RemoteUser     string // REMOTE_USER, as the web server authenticated it
	AuthType       string // AUTH_TYPE

	// TLS is the encryption of the connection to this host; nil if there is none, or if a web
	// server in front did it and reports it in Variables.
	TLS *tls.ConnectionState

	// InputEnded is closed when the client has closed its sending side after the request. It may
	// wait for the response, or have gone: the request continues for a while, or to its end if its
	// response has begun. nil: the front does not report it.
	InputEnded <-chan struct{}

	// Variables are further variables that the web server's administrator set, with SetEnv for
	// example, and those of mod_ssl (SSL_PROTOCOL, SSL_CLIENT_S_DN …) if the http front itself has
	// TLS. A runner passes them to the app's request environment and never to a process
	// environment. nil: none.
	Variables map[string]string

	// ID names the request in logs and error pages. The front sets it when it has one from a web
	// server, which it may believe; "" gets one from the gateway.
	ID string

	// Given is when a worker or program got the request; zero until then. A runner sets it before
	// it writes the response.
	Given time.Time

	// Sent is the time when the web server in front received the request, from the header
	// X-Request-Start of a trusted server; zero: unknown.
	Sent time.Time

	// FromFront is set if a web server in front, or a trusted proxy, has sent the request: its
	// statements about the request are believed.
	FromFront bool

	// Set by the gateway.

	ScriptName string // SCRIPT_NAME: Prefix and the mount, "" for "/"
	PathInfo   string // PATH_INFO: Path without ScriptName

	// Trace is the span of the request; nil: it is not traced. Begun of the configuration sets it.
	Trace *tracecontext.Span

	begun      bool       // Begun of the configuration was called
	slow       *slowWatch // nil: the request may take its time
	gateway    *Gateway
	app        *App // app is the one that the request is for; nil until it is routed.
	generation *Generation
	redirects  int // how often another request was answered in place of the client's
	response   countedResponse
	progress
	exchange gatewayExchange
}

// Queued returns how long the request waited for a worker; zero if no worker got it.
func (i *RequestInfo) Queued() time.Duration {
	if i.Given.IsZero() {
		return 0
	}
	return i.Given.Sub(i.Received)
}

type requestInfoKey struct{}

// WithRequestInfo returns a context that carries info.
func WithRequestInfo(ctx context.Context, info *RequestInfo) context.Context {
	return context.WithValue(ctx, requestInfoKey{}, info)
}

// RequestInfoOf returns the front's RequestInfo of r. If there is none, as from a plain
// [net/http.Server], it is made from the request itself.
func RequestInfoOf(r *http.Request) *RequestInfo {
	if info, ok := r.Context().Value(requestInfoKey{}).(*RequestInfo); ok {
		return info
	}
	return requestInfoFrom(r)
}

// requestInfoFrom returns the RequestInfo that can be made from a request over plain HTTP.
func requestInfoFrom(r *http.Request) *RequestInfo {
	info := &RequestInfo{
		Front:     "http",
		Path:      r.URL.Path,
		RawTarget: r.RequestURI,
		Received:  time.Now(),
		Scheme:    "http",
	}
	if info.RawTarget == "" {
		info.RawTarget = r.URL.RequestURI()
	}
	if info.TLS = r.TLS; r.TLS != nil {
		info.Scheme = "https"
	}
	if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		info.RemoteAddr, info.RemotePort = host, port
	}
	return info
}

// Server returns SERVER_NAME and SERVER_PORT: from the front, else from the Host header, else
// general defaults. An IPv6 address has brackets (RFC 3875 section 4.1.14).
func (i *RequestInfo) Server(r *http.Request) (name, port string) {
	host, hostPort := SplitHost(r.Host)
	standard := "80"
	if i.Scheme == "https" {
		standard = "443"
	}
	return cmp.Or(i.ServerName, host, "localhost"), cmp.Or(i.ServerPort, hostPort, standard)
}

// SplitHost splits a Host header into name and port. An IPv6 address keeps its brackets. port is ""
// if there is none.
func SplitHost(host string) (name, port string) {
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		return host[:at], host[at+1:]
	}
	return host, ""
}
