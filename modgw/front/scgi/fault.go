package scgi

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// notARequest returns the error of a protocol's Read for input that is not a request.
func notARequest(protocol, why string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-013",
		Summary: fmt.Sprintf("cannot take a request over %s: %s", protocol, why),
		Hint:    "make sure that the web server speaks the listener's protocol: uwsgi_pass to \"uwsgi\", scgi_pass to \"scgi\", proxy_pass to \"http\"",
	}
}

func noLength() *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-014",
		Summary: "cannot take the request: it does not say how long its body is",
		Hint:    "let the web server gather request bodies before it passes them on, or use a fastcgi or http listener",
	}
}
