package scgi

import (
	"bufio"
	"errors"
)

// protocol is what makes one protocol different from another.
type protocol struct {
	name       string // RequestInfo.Front
	statusLine string // precedes the status in a response: "Status:" or "HTTP/1.1"

	// read calls set for each variable of a request. An error that wraps [cgi.ErrLimit] or
	// errGarbled is answered; a *modgw.Fault says that the peer speaks something else, and any
	// other error that it has gone: both end the connection.
	read func(in *bufio.Reader, set func(name, value string)) error
}

// errGarbled is wrapped by every error about variables that cannot be told apart.
var errGarbled = errors.New("variables garbled")
