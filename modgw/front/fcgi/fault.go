package fcgi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
)

// variablesFault is the answer to a request whose variables cannot be used.
func variablesFault(err error) (status int, f *modgw.Fault) {
	if f, ok := errors.AsType[*modgw.Fault](err); ok {
		return http.StatusBadRequest, f
	}
	f = &modgw.Fault{Code: "MGW-REQ-005", Summary: "cannot read the request's variables", Err: err}
	if errors.Is(err, fcgi.ErrLimit) {
		f.Hint = "a client that sends so much is seldom a browser; Apache's LimitRequestFieldSize and LimitRequestFields keep it out"
		return http.StatusRequestHeaderFieldsTooLarge, f
	}
	return http.StatusBadRequest, f
}

func tooManyVariables(limit int) *modgw.Fault {
	_, f := variablesFault(fmt.Errorf("%w: more than %d bytes", fcgi.ErrLimit, limit))
	return f
}

func tooManyStreams(n int) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-006",
		Summary: fmt.Sprintf("cannot take another request: %d are in flight on this connection", n),
		Hint:    "let the web server open more connections",
	}
}

func bodyLength(declared int64, than string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-007",
		Summary: fmt.Sprintf("cannot take the request: its body is %s than its Content-Length of %d", than, declared),
		Hint:    "a balancer that sends a request to a second member sends it without its body: use one member, or one for each app",
	}
}
