package http

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/http1"
)

// refusal is the answer to a request that no app can be asked, in whichever version of HTTP it
// came; f is nil for nearly every request.
func (s *Server) refusal(r *http.Request) (status int, f *modgw.Fault) {
	if why := mistake(r); why != "" {
		return http.StatusBadRequest, badRequest(why)
	}
	if lines := countFields(r.Header); lines > s.config.MaxHeaders {
		return http.StatusRequestHeaderFieldsTooLarge, badRequest(string(http1.ManyFields))
	}
	return 0, nil
}

// mistake describes the mistake in a request, or returns "".
func mistake(r *http.Request) string {
	switch {
	case r.Method == http.MethodConnect:
		return "this is no proxy"
	case !http1.IsToken(r.Method):
		return "its method is no token"
	case !http1.IsTarget(r.RequestURI):
		return "its target has a space or a control character"
	case !isTarget(r):
		return "its target is no path, and no URL of http or https"
	case strings.IndexByte(r.URL.Path, 0) >= 0:
		return "its path has a NUL byte"
	case !cgi.ValidHost(r.Host):
		return "its host is not a host name"
	case r.ProtoMajor > 1 && (r.Host == "" || !agrees(r.Header["Host"], r.Host)):
		return "it has no host, or several"
	}
	return ""
}

// isTarget reports whether the target has one of the forms of requests to a server (RFC 9112
// section 3.2). In HTTP/2 that is a path.
func isTarget(r *http.Request) bool {
	switch {
	case strings.HasPrefix(r.RequestURI, "/"):
		return r.URL.Path != "" // it can be decoded
	case r.RequestURI == "*":
		return r.Method == http.MethodOptions
	}
	return r.ProtoMajor == 1 && isWebURL(r.RequestURI)
}

func isWebURL(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Opaque == "" &&
		u.User == nil && u.Hostname() != "" && (u.Path == "" || u.Path[0] == '/')
}

// agrees reports whether all lines of a header equal want.
func agrees(lines []string, want string) bool {
	return len(lines) == 0 || len(lines) == 1 && strings.EqualFold(lines[0], want)
}

func countFields(header http.Header) (lines int) {
	for _, values := range header {
		lines += len(values)
	}
	return lines
}

// hasItsLength reports whether Content-Length agrees with the body. net/http ensures that, but for
// HTTP/2 only if there is a body.
func hasItsLength(r *http.Request) bool {
	lines := r.Header["Content-Length"]
	if r.ProtoMajor == 1 || len(lines) == 0 {
		return true
	}
	length, err := strconv.ParseUint(lines[0], 10, 63)
	return err == nil && len(lines) == 1 && int64(length) == r.ContentLength
}

func badRequest(why string) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-REQ-011", Summary: fmt.Sprintf("cannot take the request: %s", why)}
}

// tellRefused calls Refused of the configuration.
func (s *Server) tellRefused(r *http.Request, status int, f *modgw.Fault) {
	if s.config.Refused != nil {
		s.config.Refused(r, status, f)
	}
}

// unreadRequest is a request that could not be read. Nothing is known of it but its client, or a
// proxy in front.
func unreadRequest(client net.Addr) *http.Request {
	info := &modgw.RequestInfo{Front: "http"}
	if host, _, err := net.SplitHostPort(client.String()); err == nil {
		info.RemoteAddr = host
	}
	r := &http.Request{}
	return r.WithContext(modgw.WithRequestInfo(context.Background(), info))
}

func unreadable(why http1.Reason) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-REQ-012", Summary: "cannot read the request as HTTP/1: " + string(why)}
}
