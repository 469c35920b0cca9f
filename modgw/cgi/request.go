package cgi

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
)

// Request returns the request that the variables describe. Its context is the first ctx with the
// RequestInfo. Its body is [http.NoBody], and its ContentLength is -1 if the variables do not
// contain it. The error is a *modgw.Fault, or wraps ErrLimit.
func (b *Builder) Request(ctx context.Context, o Options) (*http.Request, error) {
	if b.err != nil {
		return nil, b.err
	}
	if err := b.checkMethod(); err != nil {
		return nil, err
	}
	if o.Authorizer {
		b.contentLength, b.transferEncoding = "0", ""
	}
	length, err := parseLength(b.contentLength)
	if err != nil {
		return nil, err
	}
	target, err := b.target()
	if err != nil {
		return nil, err
	}
	host, err := b.effectiveHost()
	if err != nil {
		return nil, err
	}
	if b.made == nil {
		r := http.Request{URL: new(url.URL)}
		b.made = r.WithContext(modgw.WithRequestInfo(ctx, new(modgw.RequestInfo)))
	}
	r := b.made
	r.Method = b.method
	*r.URL = b.url(target)
	r.Proto = b.protocol
	r.ProtoMajor, r.ProtoMinor = protocolVersion(b.protocol)
	r.Header = b.finishedHeader()
	r.Body = http.NoBody
	r.ContentLength = length
	r.TransferEncoding = nil
	r.Host = host
	r.RemoteAddr = b.remote()
	r.RequestURI = target.Raw
	if length < 0 && b.transferEncoding != "" {
		r.TransferEncoding = []string{"chunked"}
	}
	*modgw.RequestInfoOf(r) = b.info(target, o)
	return r, nil
}

func (b *Builder) info(target Target, o Options) modgw.RequestInfo {
	info := modgw.RequestInfo{
		Front:          o.Front,
		Path:           target.Path,
		Authorizer:     o.Authorizer,
		WebScript:      b.webScript(target),
		WebMount:       b.webMount(target),
		RawTarget:      target.Raw,
		Received:       o.Received,
		ServerName:     b.serverHost(),
		ServerPort:     b.serverPort,
		ServerSoftware: b.software,
		Scheme:         b.scheme(),
		RemoteAddr:     b.remoteAddr,
		RemotePort:     b.remotePort,
		RemoteUser:     b.remoteUser,
		AuthType:       b.authType,
		ID:             modgw.RequestID(b.variables["UNIQUE_ID"], b.header.Get("X-Request-Id")),
	}
	if len(b.variables) > 0 {
		info.Variables = b.variables
	}
	if info.FromFront = o.Trusted; o.Trusted {
		info.App = modgw.AppName(b.app)
		if start := b.header["X-Request-Start"]; len(start) == 1 {
			info.Sent = modgw.RequestStart(start[0], o.Received)
		}
	}
	return info
}

// url is the request's URL. RawPath is set only where it decodes to Path; QUERY_STRING wins over
// the query of REQUEST_URI, which a rewrite may have changed.
func (b *Builder) url(target Target) url.URL {
	rawPath, rawQuery := splitTarget(target.Raw)
	u := url.URL{Path: target.Path, RawQuery: strings.TrimPrefix(rawQuery, "?")}
	if b.hasQuery {
		u.RawQuery = escapeQuery(b.query)
	}
	if rawPath != target.Path {
		if decoded, ok := unescape(rawPath, false); ok && decoded == target.Path {
			u.RawPath = rawPath
		}
	}
	return u
}

func (b *Builder) scheme() string {
	switch strings.ToLower(b.https) {
	case "on", "1":
		return "https"
	case "off":
		return "http"
	}
	if strings.EqualFold(b.requestScheme, "https") {
		return "https"
	}
	return "http"
}

func (b *Builder) remote() string {
	if b.remoteAddr == "" {
		return ""
	}
	port := b.remotePort
	if port == "" {
		port = "0"
	}
	return net.JoinHostPort(b.remoteAddr, port)
}

func (b *Builder) finishedHeader() http.Header {
	if b.cookieRaw != "" {
		b.put("Cookie", RepairCookies(b.cookieRaw))
	}
	if b.contentLength != "" {
		b.put("Content-Length", b.contentLength)
	}
	if b.header == nil {
		b.header = make(http.Header)
	}
	return b.header
}

func (b *Builder) checkMethod() error {
	if b.method == "" {
		return badVariable("REQUEST_METHOD", "it is missing")
	}
	if !httpguts.ValidHeaderFieldName(b.method) { // a method is a token, as a name is
		return badVariable("REQUEST_METHOD", "it is not a method")
	}
	return nil
}

// effectiveHost returns the host that the request is for. The host of a target in absolute form
// takes precedence over the Host header, as RFC 9112 section 3.2.2 requires and web servers route.
// If the client named no host, it is the server's own name.
func (b *Builder) effectiveHost() (string, error) {
	host := b.host
	if a := authority(b.requestURI); a != "" {
		host = a
	}
	if host == "" {
		host = b.serverHost()
		if b.serverPort != "" && b.serverPort != "80" && b.serverPort != "443" && host != "" {
			host += ":" + b.serverPort
		}
	}
	if !ValidHost(host) {
		return "", badVariable("HTTP_HOST", "it is not a host name")
	}
	return host, nil
}

// serverHost returns the server's own name: an IPv6 address in brackets, as RFC 3875 section 4.1.14
// requires, and without the port that HAProxy leaves in SERVER_NAME.
func (b *Builder) serverHost() string {
	if ip, err := netip.ParseAddr(b.serverName); err == nil && ip.Is6() {
		return "[" + b.serverName + "]"
	}
	name, _ := modgw.SplitHost(b.serverName)
	return name
}

// ValidHost reports whether s is a host with or without a port, as a Host header and an authority
// have it (RFC 3986 section 3.2.2), or nothing.
func ValidHost(s string) bool {
	name, port := modgw.SplitHost(s)
	if strings.Trim(port, "0123456789") != "" {
		return false
	}
	if address, ok := strings.CutPrefix(name, "["); ok {
		address, closed := strings.CutSuffix(address, "]")
		ip, err := netip.ParseAddr(strings.Replace(address, "%25", "%", 1))
		return closed && err == nil && ip.Is6()
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-._~!$&'()*+,;=%", c) >= 0:
		default:
			return false
		}
	}
	return name != "" || port == ""
}

func protocolVersion(s string) (major, minor int) {
	if major, minor, ok := http.ParseHTTPVersion(s); ok {
		return major, minor
	}
	switch s {
	case "HTTP/2":
		return 2, 0
	case "HTTP/3":
		return 3, 0
	}
	return 1, 1
}

// parseLength reads CONTENT_LENGTH: digits and nothing else, -1 when it is absent or empty.
func parseLength(s string) (int64, error) {
	if s == "" {
		return -1, nil
	}
	var n int64
	for i := range len(s) {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit > 9 || len(s) > 18 {
			return 0, badVariable("CONTENT_LENGTH", "it is not a number of bytes")
		}
		n = n*10 + digit
	}
	return n, nil
}
