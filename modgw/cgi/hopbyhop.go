package cgi

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// IsHopByHop reports whether a field with this canonical name applies to a single connection, so
// that it must not be forwarded (RFC 9110, 7.6.1). Proxy-Authenticate and its counterpart are
// between a client and a proxy; Trailers is the name that RFC 2616 and PEP 3333 use for Trailer.
func IsHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Trailers", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// dropHopByHop removes the fields that IsHopByHop reports and those that Connection lists.
// Content-Length stays even when Connection lists it: without it the end of the message is unknown.
func dropHopByHop(header http.Header) {
	connection := header["Connection"]
	for name := range header {
		if IsHopByHop(name) || name != "Content-Length" && httpguts.HeaderValuesContainsToken(connection, name) {
			delete(header, name)
		}
	}
}

// StripHopByHop takes the headers out that concern only one connection. Those about trailers stay.
func StripHopByHop(header http.Header) {
	var names []string
	for name := range header {
		if name != "Trailer" && !strings.HasPrefix(name, http.TrailerPrefix) && hopByHop(name, header) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		delete(header, name)
	}
}

// hopByHop reports whether a header may not go past the next server, be it by itself or because the
// response's Connection header lists it. Trailers cannot be sent either, and Status would be
// another one.
func hopByHop(name string, header http.Header) bool {
	return name == "Status" || IsHopByHop(name) || strings.HasPrefix(name, http.TrailerPrefix) ||
		httpguts.HeaderValuesContainsToken(header["Connection"], name)
}
