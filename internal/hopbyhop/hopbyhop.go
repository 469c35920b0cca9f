// Package hopbyhop lists the header fields that apply to one connection and must not be forwarded
// (RFC 9110, 7.6.1).
//
// Fronts and runners decide themselves how else to treat these fields.
package hopbyhop

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// Is reports whether a field with this canonical name applies to a single connection.
// Proxy-Authenticate and its counterpart are between a client and a proxy; Trailers is the name
// that RFC 2616 and PEP 3333 use for Trailer.
func Is(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Trailers", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// Strip removes the fields that Is reports and the fields that Connection lists. It keeps
// Content-Length even if Connection lists it: without it the end of the message is unknown.
func Strip(header http.Header) {
	connection := header["Connection"]
	for name := range header {
		if Is(name) || name != "Content-Length" && httpguts.HeaderValuesContainsToken(connection, name) {
			delete(header, name)
		}
	}
}
