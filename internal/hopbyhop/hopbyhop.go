// Package hopbyhop knows the header fields that concern one connection and must not be forwarded
// (RFC 9110, 7.6.1).
//
// It decides for no front and no runner what becomes of them beyond that.
package hopbyhop

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// Is reports whether a field concerns a connection by its name, which is canonical.
// Proxy-Authenticate and its counterpart are between a client and a proxy; Trailers is what RFC
// 2616 and PEP 3333 call Trailer.
func Is(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Trailers", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// Strip removes the fields that Is reports and those that Connection lists. Content-Length stays
// even when Connection lists it: without it the end of the message is unknown.
func Strip(header http.Header) {
	connection := header["Connection"]
	for name := range header {
		if Is(name) || name != "Content-Length" && httpguts.HeaderValuesContainsToken(connection, name) {
			delete(header, name)
		}
	}
}
