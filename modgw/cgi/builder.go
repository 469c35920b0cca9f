package cgi

import (
	"net/http"
	"strings"
	"time"
)

// Builder collects the variables of one request. Its zero value is ready for use. Call Reuse before
// the next request.
//
// If a name comes more than once, the last value counts, as in every FastCGI application. Only
// headers are joined, because some servers send a variable for each line of a header.
type Builder struct {
	fields
	count int   // variables that came
	err   error // why the variables cannot be used; nil: they can

	// These are used again.
	header    http.Header
	values    []string // values of header, one each
	variables map[string]string
	made      *http.Request // with its RequestInfo; nil before the first
}

// fields are the variables that have a meaning of their own.
type fields struct {
	method, protocol                     string
	scriptName, pathInfo, documentURI    string
	requestURI, query                    string
	hasScriptName, hasQuery              bool
	contentLength, transferEncoding      string
	https, requestScheme                 string
	serverName, serverPort, software     string
	remoteAddr, remotePort               string
	remoteUser, authType, app, cookieRaw string
	host                                 string
}

// Reuse makes the builder ready for another request. The previous request, and all that it refers
// to, must no longer be used.
func (b *Builder) Reuse() {
	b.fields, b.count, b.err = fields{}, 0, nil
	clear(b.header)
	clear(b.values)
	b.values = b.values[:0]
	clear(b.variables)
}

// Options are the facts about a request that its variables do not contain.
type Options struct {
	Front    string    // RequestInfo.Front
	Trusted  bool      // the peer may name the app with MODGW_APP
	Received time.Time // RequestInfo.Received

	// Authorizer is set if the web server asks whether the request may pass. Such a request has no
	// body, even if its variables declare one.
	Authorizer bool
}

// Set adds one variable. If it cannot be used, Request will return an error.
func (b *Builder) Set(name, value string) {
	if b.err != nil {
		return
	}
	b.count++
	if b.err = checkSizes(len(name), len(value), b.count); b.err == nil {
		b.err = b.set(name, value)
	}
}

// set takes one variable. The error is a *modgw.Fault about a name or value that no web server
// sends.
func (b *Builder) set(name, value string) error {
	if strings.IndexByte(name, 0) >= 0 || strings.IndexByte(value, 0) >= 0 {
		return badVariable(name, "it contains a NUL byte")
	}
	if rest, ok := strings.CutPrefix(name, "HTTP_"); ok {
		return b.setHeader(rest, value)
	}
	switch name {
	case "REQUEST_METHOD":
		b.method = value
	case "SERVER_PROTOCOL":
		b.protocol = value
	case "SCRIPT_NAME":
		b.scriptName, b.hasScriptName = value, true
	case "PATH_INFO":
		b.pathInfo = value
	case "DOCUMENT_URI":
		b.documentURI = value
	case "REQUEST_URI":
		b.requestURI = value
	case "QUERY_STRING":
		b.query, b.hasQuery = value, true
	case "CONTENT_LENGTH":
		b.contentLength = value
	case "CONTENT_TYPE":
		return b.setContentType(value)
	case "HTTPS":
		b.https = value
	case "REQUEST_SCHEME":
		b.requestScheme = value
	case "SERVER_NAME":
		b.serverName = value
	case "SERVER_PORT":
		b.serverPort = value
	case "SERVER_SOFTWARE":
		b.software = value
	case "REMOTE_ADDR":
		b.remoteAddr = value
	case "REMOTE_PORT":
		b.remotePort = value
	case "REMOTE_USER":
		b.remoteUser = value
	case "AUTH_TYPE":
		b.authType = value
	case "MODGW_APP":
		b.app = value
	default:
		b.setVariable(name, value)
	}
	return nil
}

func (b *Builder) setVariable(name, value string) {
	if dropped(name) {
		return
	}
	if b.variables == nil {
		b.variables = make(map[string]string)
	}
	b.variables[name] = value
}
