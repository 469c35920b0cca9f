package cgi

import (
	"net/http"
	"strings"
)

// The header that lets nginx pass a response on as it comes. Other servers do so by themselves.
const (
	BufferingName  = "X-Accel-Buffering"
	BufferingValue = "no"
)

// GathersStreams reports whether a web server, as SERVER_SOFTWARE names it, gathers a response
// unless the header above says otherwise. A response whose length is known may be gathered: the app
// is done with it the sooner. One without may be a stream, each piece of which is awaited. An app
// that has the header itself knows better.
func GathersStreams(software string, header http.Header) bool {
	return strings.HasPrefix(software, "nginx/") && len(header[BufferingName]) == 0
}
