package scgi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// notARequest is the error of a protocol's Read for what is no request of the protocol.
func notARequest(protocol, why string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-013",
		Summary: fmt.Sprintf("cannot take a request over %s: %s", protocol, why),
		Hint:    "make sure that the web server speaks the listener's protocol: uwsgi_pass to \"uwsgi\", scgi_pass to \"scgi\", proxy_pass to \"http\"",
	}
}

// variablesFault is the answer to a request whose variables cannot be used.
func variablesFault(err error) (status int, f *modgw.Fault) {
	if f, ok := errors.AsType[*modgw.Fault](err); ok {
		return http.StatusBadRequest, f
	}
	f = &modgw.Fault{Code: "MGW-REQ-005", Summary: "cannot read the request's variables", Err: err}
	if errors.Is(err, errLimit) {
		f.Hint = "a client that sends so much is seldom a browser; the web server's limits for headers keep it out"
		return http.StatusRequestHeaderFieldsTooLarge, f
	}
	return http.StatusBadRequest, f
}

func bodyLength(declared int64, than string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-007",
		Summary: fmt.Sprintf("cannot take the request: its body is %s than its Content-Length of %d", than, declared),
		Hint:    "the client has gone, a balancer has sent the request to a second member without its body, or nginx gathers no bodies (scgi_request_buffering)",
	}
}

func noLength() *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-014",
		Summary: "cannot take the request: it does not say how long its body is",
		Hint:    "let the web server gather request bodies before it passes them on, or use a fastcgi or http listener",
	}
}
