package cgi

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/modgw/modgw/modgw"
)

func badVariable(name, why string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-REQ-001",
		Summary: fmt.Sprintf("cannot use the request's variable %q: %s", name, why),
		Hint:    "if the client did not send it so, look at the web server's SetEnv, ProxyFCGISetEnvIf or fastcgi_param lines",
	}
}

// badResponse is the fault for a response that must not be sent.
func badResponse(format string, args ...any) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-014",
		Summary: "cannot send the app's response: " + fmt.Sprintf(format, args...),
	}
}

// WrongLength returns the fault for a handler that wrote a different number of bytes than its
// response's Content-Length.
func WrongLength(declared, written int64) *modgw.Fault {
	f := badResponse("its body has %d bytes, and its Content-Length says %d", written, declared)
	f.Hint = "let the app set no Content-Length, or the right one"
	return f
}

// LogPanic logs that the handler of a request panicked with value, and returns the fault that the
// client is answered with.
func LogPanic(log *slog.Logger, r *http.Request, value any) *modgw.Fault {
	f := &modgw.Fault{Code: "MGW-REQ-009", Summary: fmt.Sprintf("cannot answer the request: its handler panicked: %v", value)}
	log.Error("handler panicked", "code", f.Code, "error", f.Summary, "request", modgw.RequestInfoOf(r).ID,
		"method", r.Method, "target", r.RequestURI, "stack", string(debug.Stack()))
	return f
}

// Aborted returns the fault for a handler that panicked with [net/http.ErrAbortHandler] before
// anything was sent, and the status of the answer. They depend on whether the handler had begun its
// response. The fault has no code: the runner has logged the cause, and this fault is not shown.
func Aborted(begun bool) (f *modgw.Fault, status int) {
	if begun {
		return &modgw.Fault{
			Summary: "cannot answer the request: its handler gave up within its response",
		}, http.StatusInternalServerError
	}
	return &modgw.Fault{
		Summary: "cannot answer the request: its handler gave up before it sent anything",
	}, http.StatusBadGateway
}
