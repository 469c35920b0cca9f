package wsgi

import (
	"cmp"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/wire"
)

// serverSoftware is SERVER_SOFTWARE when no web server in front gives its own.
const serverSoftware = "modgw"

// appendEnviron appends the head of a Request frame: the environ of PEP 3333. The worker adds the
// wsgi.* objects. Every value is a native string, one character for each byte. length is the length
// of the body; -1: unknown.
func appendEnviron(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendBeginning(b, r, info)
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return appendOwn(b, r, info, length)
}

// webServerVariables are variables about a web server, and not about a request.
var webServerVariables = [...]string{
	"CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX", "DOCUMENT_ROOT", "GATEWAY_INTERFACE", "PATH", "SERVER_ADDR",
	"SERVER_ADMIN", "SERVER_SIGNATURE",
}

// appendBeginning appends the part of environ that most requests have in common. The worker keeps
// it, so that it has few names and no value of which there are many.
func appendBeginning(b []byte, r *http.Request, info *modgw.RequestInfo) []byte {
	b = wire.BeginDict(b)
	if len(info.Variables) > 0 {
		for _, name := range webServerVariables {
			if value, ok := info.Variables[name]; ok {
				b = request.AppendPair(b, name, value)
			}
		}
	}
	b = request.AppendPair(b, "REQUEST_METHOD", r.Method)
	b = request.AppendPair(b, "SCRIPT_NAME", info.ScriptName)
	b = request.AppendPair(b, "REQUEST_SCHEME", info.Scheme)
	b = request.AppendPair(b, "wsgi.url_scheme", info.Scheme)
	if info.Scheme == "https" {
		b = request.AppendPair(b, "HTTPS", "on") // as mod_ssl has it
	}
	b = request.AppendPair(b, "SERVER_PROTOCOL", r.Proto)
	b = appendServer(b, r, info)
	b = request.AppendPairIfSet(b, "HTTP_HOST", r.Host)
	b = request.AppendPair(b, "modgw.mount", info.ScriptName)
	return wire.EndDict(b)
}

// appendOwn appends the rest of environ.
func appendOwn(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte {
	b = wire.BeginDict(b)
	for name, value := range info.Variables {
		if !request.IsReserved(name) && !slices.Contains(webServerVariables[:], name) {
			b = request.AppendPair(b, name, value)
		}
	}
	pathInfo := info.PathInfo
	if pathInfo == "" && info.ScriptName == "" {
		pathInfo = info.Path // the front has not split it
	}
	b = request.AppendPair(b, "PATH_INFO", pathInfo)
	b = request.AppendPair(b, "QUERY_STRING", r.URL.RawQuery)
	b = request.AppendPair(b, "REQUEST_URI", info.RawTarget)
	b = request.AppendPair(b, "RAW_URI", info.RawTarget)
	b = request.AppendPair(b, "REMOTE_ADDR", info.RemoteAddr)
	b = request.AppendPairIfSet(b, "REMOTE_PORT", info.RemotePort)
	b = request.AppendPairIfSet(b, "REMOTE_USER", info.RemoteUser)
	b = request.AppendPairIfSet(b, "AUTH_TYPE", info.AuthType)
	b = request.AppendPair(b, "modgw.request_id", info.ID)
	if info.Authorizer {
		// the worker's own code answers, and not the app
		b = request.AppendPair(b, "modgw.authorizer", "1")
	}
	if length > 0 || length == 0 && r.Header["Content-Length"] != nil {
		b = request.AppendPair(b, "CONTENT_LENGTH", strconv.FormatInt(length, 10))
	}
	b = appendHeaders(b, r)
	return wire.EndDict(b)
}

// appendServer appends the variables with the server's name.
func appendServer(b []byte, r *http.Request, info *modgw.RequestInfo) []byte {
	name, port := info.Server(r)
	b = request.AppendPair(b, "SERVER_NAME", name)
	b = request.AppendPair(b, "SERVER_PORT", port)
	return request.AppendPair(b, "SERVER_SOFTWARE", cmp.Or(info.ServerSoftware, serverSoftware))
}

// appendHeaders appends the headers of the request, except Host, in CGI's form (RFC 3875, 4.1.18).
// It leaves out names that would collide with another one there (X_Forwarded_For), and Proxy, which
// programs would take for their own HTTP_PROXY.
func appendHeaders(b []byte, r *http.Request) []byte {
	for name, values := range r.Header {
		switch name {
		case "Content-Type":
			b = request.AppendPair(b, "CONTENT_TYPE", values[0])
		case "Cookie":
			b = request.AppendPair(b, "HTTP_COOKIE", strings.Join(values, "; "))
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
	return wire.AppendLatin1(wire.AppendLatin1(b, variable), strings.Join(values, ", "))
}
