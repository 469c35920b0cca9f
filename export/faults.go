package export

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

func noListener(server string) error {
	return &modgw.Fault{
		Code:    "MGW-EXP-001",
		Summary: fmt.Sprintf("cannot configure %s: the host listens nowhere", server),
		Hint:    `add listen "fastcgi" { address = "unix:/run/modgw/modgw.sock" } to the host's file`,
	}
}

func unusable(server, what, value string) error {
	return &modgw.Fault{
		Code:    "MGW-EXP-002",
		Summary: fmt.Sprintf("cannot configure %s: the %s is %q, which it would not read as it stands", server, what, value),
		Hint:    "use a name without control characters, quotes, backslashes and dollar signs",
	}
}

func noDescriptor(app modgw.AppName) error {
	return &modgw.Fault{
		Code:    "MGW-EXP-003",
		Summary: fmt.Sprintf("cannot export app %q: it has no descriptor file that an engine could run", app),
		Hint:    "write one with modgw-host init",
	}
}
