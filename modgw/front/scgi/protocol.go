package scgi

import (
	"bufio"
	"errors"
)

// protocol has the differences between the protocols.
type protocol struct {
	name       string // RequestInfo.Front
	statusLine string // precedes the status in a response: "Status:" or "HTTP/1.1"

	// read calls set for each variable of a request. An error that wraps [cgi.ErrLimit] or
	// errGarbled is answered. A *modgw.Fault means that the peer speaks another protocol, and any
	// other error that it has gone: both end the connection.
	read func(in *bufio.Reader, set func(name, value string)) error
}

// errGarbled is wrapped by every error about variables that cannot be parsed.
var errGarbled = errors.New("variables garbled")
