package fastcgi

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// notReachable is the fault for a program of someone else's that cannot be connected to.
func notReachable(address modgw.Address, err error) *relay.Failure {
	fault := &modgw.Fault{
		Code: "MGW-CGI-002", Summary: fmt.Sprintf("cannot connect to the FastCGI program at %q", address), Err: err,
		Hint: "start the program, or fix connect",
	}
	if errors.Is(err, fs.ErrPermission) {
		fault.Hint = "the host's user, or its group, must be allowed to connect; PHP-FPM's pool has listen.owner, listen.group and listen.mode for it"
	}
	return &relay.Failure{Status: http.StatusBadGateway, Fault: fault}
}

// refused is the failure of a request that the program did not carry out.
func refused(err error) *relay.Failure {
	status := http.StatusBadGateway
	if errors.Is(err, errOverloaded) {
		status = http.StatusServiceUnavailable
	}
	return &relay.Failure{Status: status, Fault: &modgw.Fault{
		Code: "MGW-CGI-003", Summary: "cannot answer: the FastCGI program refused the request", Err: err,
	}}
}

// brokeProtocol is the failure of a request whose program does not speak FastCGI as it must.
func brokeProtocol(err error) *relay.Failure {
	return &relay.Failure{Status: http.StatusBadGateway, Fault: &modgw.Fault{
		Code: "MGW-CGI-004", Summary: "cannot understand the FastCGI program", Err: err,
	}}
}

// noScript is the failure of a request for which there is no script.
func (s *scripts) noScript(path string) *relay.Failure {
	return &relay.Failure{Status: http.StatusNotFound, Fault: &modgw.Fault{
		Code: "MGW-CGI-005",
		Summary: fmt.Sprintf("cannot answer: %q names no script below %q, and there is no %s to answer instead",
			path, s.folder.Dir, s.index),
		Hint: "script_root must be the folder of the app's scripts, and index the script that answers for a folder",
	}}
}

// hiddenScript is the failure of a request whose script cannot be looked for.
func hiddenScript(root string, err error) *relay.Failure {
	return &relay.Failure{Status: http.StatusForbidden, Fault: &modgw.Fault{
		Code: "MGW-CGI-006", Summary: fmt.Sprintf("cannot look for scripts below %q", root), Err: err,
		Hint: "the app's user must be allowed to enter the folder: set user, or its permissions",
	}}
}

// headTooLarge is the failure of a request with more headers and variables than are passed on.
func headTooLarge(size int) *relay.Failure {
	return &relay.Failure{Status: http.StatusRequestHeaderFieldsTooLarge, Fault: &modgw.Fault{
		Code: "MGW-APP-017", Summary: fmt.Sprintf("cannot pass on %d bytes of request headers and variables", size),
	}}
}
