package process

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/modgw/modgw/modgw"
)

// cannotListen is the fault for a worker for which no socket could be made.
func cannotListen(err error) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-PRG-021", Summary: "cannot make the sockets of a worker", Err: err}
}

// listensElsewhere is the fault for a program that listens on a port that nobody asks.
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

// noAnswer is the fault for a request whose worker was lost before it answered; why is "" when nobody knows.
func noAnswer(why string, err error) *modgw.Fault {
	if why != "" {
		return &modgw.Fault{
			Code:    "MGW-APP-008",
			Summary: "cannot answer: the worker ended: " + why,
			Hint:    "what the program printed last is in its log",
		}
	}
	return &modgw.Fault{
		Code:    "MGW-PRG-022",
		Summary: "cannot answer: the program ended the connection without a response",
		Err:     err,
	}
}

// badAnswer is the fault for a response that is none.
func badAnswer(err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-PRG-023",
		Summary: "cannot use the program's response",
		Err:     err,
		Hint:    "what listens there must speak HTTP/1.1",
	}
}

// overdue is the fault for a request that took too long.
func overdue(limit time.Duration) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-009",
		Summary: fmt.Sprintf("cannot answer: the app took longer than %s", limit),
		Hint:    "when it only needs longer, raise timeouts { request }",
	}
}

// bodyTooLarge is the fault for a request body beyond the limit.
func bodyTooLarge(limit int64) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-015",
		Summary: fmt.Sprintf("cannot take a request body of more than %d bytes", limit),
		Hint:    "raise limits { body } when the app expects larger ones",
	}
}

// bodyIncomplete is the fault for a request body that ended too early.
func bodyIncomplete(err error) *modgw.Fault {
	return &modgw.Fault{Code: "MGW-APP-016", Summary: "cannot read the request body", Err: err}
}
