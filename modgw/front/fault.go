package front

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

// VariablesFault is the answer to a request whose variables cannot be used.
func VariablesFault(err error) (status int, f *modgw.Fault) {
	if f, ok := errors.AsType[*modgw.Fault](err); ok {
		return http.StatusBadRequest, f
	}
	f = &modgw.Fault{Code: "MGW-REQ-005", Summary: "cannot read the request's variables", Err: err}
	if errors.Is(err, cgi.ErrLimit) {
		f.Hint = "a client that sends so much is seldom a browser; the web server's limits for headers (Apache's LimitRequestFieldSize and LimitRequestFields) keep it out"
		return http.StatusRequestHeaderFieldsTooLarge, f
	}
	return http.StatusBadRequest, f
}

// BodyLength is the fault of a request whose body is "longer" or "shorter" than was declared.
func BodyLength(declared int64, than string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-007",
		Summary: fmt.Sprintf("cannot take the request: its body is %s than its Content-Length of %d", than, declared),
		Hint:    "the client has gone, nginx gathers no bodies (scgi_request_buffering), or a balancer has sent the request to a second member without its body: use one member, or one for each app",
	}
}
