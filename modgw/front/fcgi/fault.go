package fcgi

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

func tooManyStreams(n int) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-006",
		Summary: fmt.Sprintf("cannot take another request: %d are in flight on this connection", n),
		Hint:    "let the web server open more connections",
	}
}
