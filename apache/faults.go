package apache

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

func noListener() error {
	return &modgw.Fault{
		Code:    "MGW-APA-001",
		Summary: "cannot configure Apache: the host has no FastCGI listener",
		Hint:    `add listen "fastcgi" { address = "unix:/run/modgw/modgw.sock" } to the host's file`,
	}
}

func unusable(what, value string) error {
	return &modgw.Fault{
		Code:    "MGW-APA-002",
		Summary: fmt.Sprintf("cannot configure Apache: the %s is %q, which Apache would not read as it stands", what, value),
		Hint:    "use a name without control characters, backslashes, wildcards and ${",
	}
}
