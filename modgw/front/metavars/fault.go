package metavars

import (
	"fmt"

	"github.com/modgw/modgw/modgw"
)

func badVariable(name, why string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-001",
		Summary: fmt.Sprintf("cannot use the request's variable %q: %s", name, why),
		Hint:    "if the client did not send it so, look at the web server's SetEnv, ProxyFCGISetEnvIf or fastcgi_param lines",
	}
}
