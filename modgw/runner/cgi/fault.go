package cgi

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"

	"github.com/modgw/modgw/internal/shebang"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// noScript is the failure of a request for which there is no script, or none that can be executed.
func noScript(file string, err error) *relay.Failure {
	if errors.Is(err, errNoScript) {
		return &relay.Failure{Status: http.StatusNotFound, Fault: &modgw.Fault{
			Code: "MGW-CGI-007", Summary: fmt.Sprintf("cannot find script %q", file), Err: err,
			Hint: "the path segment after the mount names a file in the folder of scripts",
		}}
	}
	return &relay.Failure{Status: http.StatusForbidden, Fault: &modgw.Fault{
		Code: "MGW-CGI-008", Summary: fmt.Sprintf("cannot execute script %q", file), Err: err,
		Hint: fmt.Sprintf("chmod +x %q, and let the app's user enter %q", file, filepath.Dir(file)),
	}}
}

// noFolder is the fault for a folder of scripts that cannot be entered.
func noFolder(dir string, err error) *modgw.Fault {
	return &modgw.Fault{
		Code: "MGW-CGI-011", Summary: fmt.Sprintf("cannot run the scripts in %q", dir), Err: err,
		Hint: "the folder must exist, and the app's user must be able to enter it",
	}
}

// headTooLarge is the failure of a request with more headers than a process's environment can hold.
func headTooLarge() *relay.Failure {
	return &relay.Failure{Status: http.StatusRequestHeaderFieldsTooLarge, Fault: &modgw.Fault{
		Code: "MGW-CGI-010", Summary: fmt.Sprintf("cannot put the request into a script's environment: it has more than %d bytes, or a NUL in it", maxEnvironment),
	}}
}

// notStarted is the failure of a request whose script could not be started.
func (r *Runner) notStarted(file string, err error) *relay.Failure {
	fault := &modgw.Fault{
		Code: "MGW-PRG-001", Summary: fmt.Sprintf("cannot start script %q", file), Err: err,
		Hint: "run it by hand, as the app's user",
	}
	if hint := workers.StartHint(err); hint != "" {
		fault.Hint = hint
	} else if errors.Is(err, syscall.EAGAIN) {
		fault.Hint = workers.ProcessesHint(r.config.Descriptor)
	} else if mistake := shebang.Mistake(file, r.user); mistake != "" {
		fault.Code, fault.Hint = "MGW-CFG-029", mistake
	}
	return &relay.Failure{Status: http.StatusInternalServerError, Fault: fault}
}
