package modgw

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// longestRequestID is the longest id of a request that is taken over.
const longestRequestID = 128

// RequestID returns the first usable one of the ids that a web server in front has given a request:
// an id in logs and headers must be short and plain. "" means that none is usable, and that the
// request gets a new one.
func RequestID(given ...string) string {
	for _, id := range given {
		if id != "" && len(id) <= longestRequestID && strings.Trim(id, requestIDCharacters) == "" {
			return id
		}
	}
	return ""
}

const requestIDCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~@:+/="

// newRequestID makes an id for a request that has none.
func newRequestID() string { return strconv.FormatUint(rand.Uint64()|1<<63, 36) }

// Identify returns the request with an id, and the id, which log and answer have in common. A front
// that refuses a request itself calls it; the gateway does so for all others.
func Identify(r *http.Request) (*http.Request, string) {
	info, r := ensureInfo(r)
	if info.ID == "" {
		info.ID = newRequestID()
	}
	return r, info.ID
}
