package modgw

import (
	"net/http"
	"time"
)

// BriefWriter is a response to a client that can be written to for a while, so that what is written
// need not be kept for a slow one.
type BriefWriter interface {
	http.ResponseWriter

	// WriteBriefly writes as much of p as the client takes within d. It may write nothing, for any
	// reason; Write is for the rest then.
	WriteBriefly(p []byte, d time.Duration) (n int, err error)
}

// writeBriefly is WriteBriefly where w has that.
func writeBriefly(w http.ResponseWriter, p []byte, d time.Duration) (int, error) {
	if brief, ok := w.(BriefWriter); ok {
		return brief.WriteBriefly(p, d)
	}
	return 0, nil
}
