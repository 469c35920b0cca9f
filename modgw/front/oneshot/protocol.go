package oneshot

import (
	"bufio"
	"errors"
)

// Protocol is what makes one protocol different from another.
type Protocol struct {
	Name       string // RequestInfo.Front
	StatusLine string // what stands before the status in the first line of a response: "Status:" or "HTTP/1.1"

	// Read reads the variables of a request. An error that wraps ErrLimit or ErrGarbled is answered; a *modgw.Fault says
	// that the peer speaks something else, and any other error that it has gone: both end the connection.
	Read func(in *bufio.Reader, limits Limits) ([]Variable, error)
}

// Variable is a CGI meta-variable.
type Variable struct{ Name, Value string }

// ErrLimit is wrapped by every error about variables that exceed a limit.
var ErrLimit = errors.New("limit exceeded")

// ErrGarbled is wrapped by every error about variables that cannot be told apart.
var ErrGarbled = errors.New("variables garbled")
