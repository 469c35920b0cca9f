package process

import (
	"fmt"
	"net/netip"

	"github.com/modgw/modgw/modgw"
)

// cannotListen is the fault for a worker for which no socket could be made.
func cannotListen(err error) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-PRG-021", Summary: "cannot make the sockets of a worker", Err: err}
}

// listensElsewhere is the fault for a program that listens on a port that no one asks.
func listensElsewhere(w *worker, at netip.AddrPort) *modgw.Fault {
	d := w.runner.config.Descriptor
	pass := `command = [..., "$PORT"]`
	if d.Kind == modgw.KindGo {
		pass = `args = ["-port", "$PORT"]`
	}
	pass += ` or env = { SHOP_PORT = "$PORT" }`
	return &modgw.Fault{
		Code: "MGW-PRG-004",
		Summary: fmt.Sprintf("cannot start the program of app %q: it listens on %s, and not on the port in $PORT",
			d.Name, at),
		Output: w.Output(),
		Hint: fmt.Sprintf("let it listen on 127.0.0.1 and the port in the variable PORT; %s passes it in another way. When it "+
			"opens that port too, and only needs longer, raise timeouts { startup }", pass),
	}
}
