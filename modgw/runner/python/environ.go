package python

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// serverSoftware is SERVER_SOFTWARE when no web server in front gives its own.
const serverSoftware = "modgw"

// appendEnviron appends the head of a Request frame: what PEP 3333 wants in environ, but for the wsgi.* objects, which
// the worker adds. Every value is a native string, one character for each byte. length is the body's; -1: unknown.
func appendEnviron(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte {
	b = wire.BeginDict(b)
	for name, value := range info.Variables {
		if !reserved(name) {
			b = appendPair(b, name, value)
		}
	}
	pathInfo := info.PathInfo
	if pathInfo == "" && info.ScriptName == "" {
		pathInfo = info.Path // nobody has split it
	}
	b = appendPair(b, "REQUEST_METHOD", r.Method)
	b = appendPair(b, "SCRIPT_NAME", info.ScriptName)
	b = appendPair(b, "PATH_INFO", pathInfo)
	b = appendPair(b, "QUERY_STRING", r.URL.RawQuery)
	b = appendPair(b, "REQUEST_URI", info.RawTarget)
	b = appendPair(b, "RAW_URI", info.RawTarget)
	b = appendPair(b, "REQUEST_SCHEME", info.Scheme)
	b = appendPair(b, "wsgi.url_scheme", info.Scheme)
	if info.Scheme == "https" {
		b = appendPair(b, "HTTPS", "on") // as mod_ssl has it
	}
	b = appendPair(b, "SERVER_PROTOCOL", r.Proto)
	b = appendServer(b, r, info)
	b = appendPair(b, "REMOTE_ADDR", info.RemoteAddr)
	b = appendPairIfSet(b, "REMOTE_PORT", info.RemotePort)
	b = appendPairIfSet(b, "REMOTE_USER", info.RemoteUser)
	b = appendPairIfSet(b, "AUTH_TYPE", info.AuthType)
	b = appendPair(b, "modgw.request_id", info.ID)
	b = appendPair(b, "modgw.mount", info.ScriptName)
	if info.Authorizer {
		b = appendPair(b, "modgw.authorizer", "1") // the worker's own code answers, and not the app
	}
	if length > 0 || length == 0 && r.Header["Content-Length"] != nil {
		b = appendPair(b, "CONTENT_LENGTH", strconv.FormatInt(length, 10))
	}
	b = appendHeaders(b, r)
	return wire.EndDict(b)
}

// appendServer appends what names the server.
func appendServer(b []byte, r *http.Request, info *modgw.RequestInfo) []byte {
	name, port := info.Server(r)
	b = appendPair(b, "SERVER_NAME", name)
	b = appendPair(b, "SERVER_PORT", port)
	return appendPair(b, "SERVER_SOFTWARE", cmp.Or(info.ServerSoftware, serverSoftware))
}

// appendHeaders appends the headers of the request as CGI has them (RFC 3875, 4.1.18). Left out are names that would be
// the same as another one there (X_Forwarded_For), and Proxy, which programs take for their own HTTP_PROXY.
func appendHeaders(b []byte, r *http.Request) []byte {
	if r.Host != "" {
		b = appendPair(b, "HTTP_HOST", r.Host)
	}
	for name, values := range r.Header {
		switch name {
		case "Content-Type":
			b = appendPair(b, "CONTENT_TYPE", values[0])
		case "Cookie":
			b = appendPair(b, "HTTP_COOKIE", joined(values, "; "))
		case "Content-Length", "Host", "Proxy", "Transfer-Encoding":
		default:
			b = appendHeader(b, name, values)
		}
	}
	return b
}

func appendHeader(b []byte, name string, values []string) []byte {
	var stack [64]byte
	variable := append(stack[:0], "HTTP_"...)
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-':
			variable = append(variable, '_')
		case c >= 'a' && c <= 'z':
			variable = append(variable, c-'a'+'A')
		case c == '_' || !httpguts.IsTokenRune(rune(c)):
			return b
		default:
			variable = append(variable, c)
		}
	}
	return wire.AppendLatin1(wire.AppendLatin1(b, variable), joined(values, ", "))
}

func appendPair(b []byte, name, value string) []byte {
	return wire.AppendLatin1(wire.AppendLatin1(b, name), value)
}

func appendPairIfSet(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendPair(b, name, value)
}

// reserved reports whether only the host itself may set a name in environ.
func reserved(name string) bool {
	switch name {
	case "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI", "REQUEST_SCHEME",
		"SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT", "SERVER_SOFTWARE", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER",
		"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE":
		return true
	}
	return strings.HasPrefix(name, "wsgi.") || strings.HasPrefix(name, "modgw.") || strings.HasPrefix(name, "HTTP_")
}

func joined(values []string, separator string) string {
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, separator)
}
