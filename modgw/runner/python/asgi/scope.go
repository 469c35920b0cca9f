package asgi

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/wire"
)

// appendScope appends the head of a Request frame for an HTTP request: the connection scope of
// ASGI's HTTP format. The worker adds the parts that are the same in all its scopes. length is the
// length of the body; -1: unknown.
func appendScope(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte {
	return wire.EndDict(appendScopeOf(wire.BeginDict(b), r, info, length))
}

// appendScopeOf appends the part of the scope that every HTTP request has.
func appendScopeOf(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte {
	b = appendText(b, "type", "http")
	b = appendText(b, "method", r.Method)
	b = appendText(b, "scheme", cmp.Or(info.Scheme, "http"))
	b = appendConnection(b, r, info)
	return appendScopeHeaders(b, r, length)
}

// appendResumedScope is appendScope for an event stream that goes on after the event with an id, as
// if its client had connected again.
func appendResumedScope(
	b []byte, r *http.Request, info *modgw.RequestInfo, lastID string,
) []byte {
	again := *r
	again.Header = maps.Clone(r.Header)
	delete(again.Header, "Last-Event-Id")
	if lastID != "" {
		again.Header.Set("Last-Event-Id", lastID)
	}
	b = appendScopeOf(wire.BeginDict(b), &again, info, 0)
	b = wire.BeginDict(wire.AppendText(b, "extensions"))
	b = wire.BeginDict(wire.AppendText(b, "modgw.resumed"))
	return wire.EndDict(wire.EndDict(wire.EndDict(b)))
}

// resumed describes a WebSocket before its move, for the scope of the app that it moves to.
type resumed struct {
	subprotocol string // "": none
}

// appendWebSocketScope appends the scope of a WebSocket. before is nil for a new one.
func appendWebSocketScope(
	b []byte, r *http.Request, info *modgw.RequestInfo, before *resumed,
) []byte {
	b = wire.BeginDict(b)
	b = appendText(b, "type", "websocket")
	scheme := "ws"
	if info.Scheme == "https" {
		scheme = "wss"
	}
	b = appendText(b, "scheme", scheme)
	b = appendConnection(b, r, info)
	offered := subprotocols(r)
	b = wire.AppendList(wire.AppendText(b, "subprotocols"), len(offered))
	for _, name := range offered {
		b = wire.AppendLatin1(b, name)
	}
	b = appendScopeHeaders(b, r, 0)
	if before != nil {
		b = wire.BeginDict(wire.AppendText(b, "extensions"))
		b = wire.BeginDict(wire.AppendText(b, "modgw.resumed"))
		b = appendText(b, "subprotocol", before.subprotocol)
		b = wire.EndDict(wire.EndDict(b))
	}
	return wire.EndDict(b)
}

// appendConnection appends the common part of the scopes of HTTP and WebSockets.
func appendConnection(b []byte, r *http.Request, info *modgw.RequestInfo) []byte {
	b = appendText(b, "http_version", httpVersion(r))
	b = appendText(b, "path", info.Path)
	rawPath, _, _ := strings.Cut(info.RawTarget, "?")
	b = wire.AppendBytes(wire.AppendText(b, "raw_path"), rawPath)
	b = wire.AppendBytes(wire.AppendText(b, "query_string"), r.URL.RawQuery)
	b = appendText(b, "root_path", info.ScriptName)
	b = wire.AppendText(b, "client")
	if info.RemoteAddr == "" {
		b = wire.AppendNone(b)
	} else {
		b = appendPlace(b, info.RemoteAddr, info.RemotePort)
	}
	name, port := info.Server(r)
	b = appendPlace(wire.AppendText(b, "server"), strings.Trim(name, "[]"), port)
	b = appendText(b, "modgw.request_id", info.ID)
	b = appendTLS(b, info)
	return appendServerVariables(b, info)
}

// appendServerVariables appends facts of the web server in front for which ASGI has no place: the
// authenticated user, and the variables that its administrator has set.
func appendServerVariables(b []byte, info *modgw.RequestInfo) []byte {
	if info.RemoteUser == "" && info.AuthType == "" && len(info.Variables) == 0 {
		return b
	}
	b = wire.BeginDict(wire.AppendText(b, "modgw.environ"))
	for name, value := range info.Variables {
		if !request.IsReserved(name) {
			b = request.AppendPair(b, name, value)
		}
	}
	b = request.AppendPairIfSet(b, "REMOTE_USER", info.RemoteUser)
	b = request.AppendPairIfSet(b, "AUTH_TYPE", info.AuthType)
	return wire.EndDict(b)
}

// appendScopeHeaders appends the headers, with names in lower case and values as they came.
func appendScopeHeaders(b []byte, r *http.Request, length int64) []byte {
	b = wire.AppendText(b, "headers")
	start := len(b)
	b = wire.AppendList(b, 0)
	count := 0
	add := func(name, value string) {
		b = appendLower(wire.AppendTuple(b, 2), name)
		b = wire.AppendBytes(b, value)
		count++
	}
	if r.Host != "" {
		add("host", r.Host)
	}
	if length > 0 || length == 0 && r.Header["Content-Length"] != nil {
		add("content-length", strconv.FormatInt(length, 10))
	}
	for name, values := range r.Header {
		switch name {
		case "Content-Length", "Host", "Proxy", "Transfer-Encoding":
		case "Cookie":
			add("cookie", strings.Join(values, "; ")) // HTTP/2 may have split it
		default:
			for _, value := range values {
				add(name, value)
			}
		}
	}
	wire.AppendList(b[:start], count) // the number is known now
	return b
}

// appendLower appends a name as bytes in lower case.
func appendLower(b []byte, name string) []byte {
	b = wire.AppendBytes(b, name)
	for i := len(b) - len(name); i < len(b); i++ {
		if c := b[i]; c >= 'A' && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return b
}

// appendPlace appends the tuple of a host and a port.
func appendPlace(b []byte, host, port string) []byte {
	n, _ := strconv.ParseUint(port, 10, 16) // 0 when it is unknown
	return wire.AppendInt(wire.AppendText(wire.AppendTuple(b, 2), host), int64(n))
}

func appendText(b []byte, key, value string) []byte {
	return wire.AppendText(wire.AppendText(b, key), value)
}

// httpVersion is the version as ASGI writes it.
func httpVersion(r *http.Request) string {
	switch {
	case r.ProtoMajor == 1 && r.ProtoMinor == 0:
		return "1.0"
	case r.ProtoMajor > 1:
		return strconv.Itoa(r.ProtoMajor)
	}
	return "1.1"
}
