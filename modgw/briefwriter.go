package modgw

import (
	"net/http"
	"time"
)

// BriefWriter is a response to a client on which a write has a time limit, so that the bytes need
// not be stored for a slow client.
type BriefWriter interface {
	http.ResponseWriter

	// WriteBriefly writes as much of p as the client accepts within d. It may write nothing, for
	// any reason; use Write for the rest.
	WriteBriefly(p []byte, d time.Duration) (n int, err error)
}

// writeBriefly is WriteBriefly where w has that.
func writeBriefly(w http.ResponseWriter, p []byte, d time.Duration) (int, error) {
	if brief, ok := w.(BriefWriter); ok {
		return brief.WriteBriefly(p, d)
	}
	return 0, nil
}
