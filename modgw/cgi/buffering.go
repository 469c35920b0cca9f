package cgi

import (
	"net/http"
	"strings"
)

// The header that makes nginx pass a response on without buffering it. Other servers do not buffer.
const (
	BufferingName  = "X-Accel-Buffering"
	BufferingValue = "no"
)

// GathersStreams reports whether the web server named by SERVER_SOFTWARE would buffer this response
// unless the header above prevents it. A response of known length may be buffered, because the app
// is then finished sooner. A response of unknown length may be a stream, whose pieces are awaited.
// If the app sets the header itself, its value is kept.
func GathersStreams(software string, header http.Header) bool {
	return strings.HasPrefix(software, "nginx/") && len(header[BufferingName]) == 0
}
