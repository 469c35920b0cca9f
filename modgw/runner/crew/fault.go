package crew

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/modgw/modgw/modgw"
)

// errStopped says that the crew is being stopped.
var errStopped = errors.New("the app is being stopped")

// notStarted is the fault for a process that could not be started.
func (c *Crew) notStarted(err error) error {
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		return fault
	}
	d := c.config.Runner.Descriptor
	fault := &modgw.Fault{Code: "MGW-PRG-001", Summary: fmt.Sprintf("cannot start the program of app %q", d.Name), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fault.Hint = fmt.Sprintf("install it, or name it with its path; the app's root %q must exist too", d.Root)
	case errors.Is(err, fs.ErrPermission):
		fault.Hint = fmt.Sprintf("user %q must be allowed to run it and to enter %q", d.User, d.Root)
	}
	return fault
}

// endedEarly is the fault for a process that ended before it was ready.
func (c *Crew) endedEarly(w *Worker) error {
	return &modgw.Fault{
		Code:    "MGW-PRG-002",
		Summary: fmt.Sprintf("cannot start the program of app %q: it ended: %s", c.config.Runner.Descriptor.Name, w.Reason()),
		Output:  w.output.String(),
		Hint:    "run its command by hand, as the app's user and in the app's root",
	}
}

// startedTooLong is the fault for a process that is not ready in time.
func (c *Crew) startedTooLong(w *Worker) error {
	d := c.config.Runner.Descriptor
	return &modgw.Fault{
		Code:    "MGW-PRG-003",
		Summary: fmt.Sprintf("cannot start the program of app %q within %s", d.Name, d.Timeouts.Startup),
		Output:  w.output.String(),
		Hint:    c.config.Slow,
	}
}

// NoWebSocket is the fault for a WebSocket through a front that has no way to carry one.
func NoWebSocket(front, protocol string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-020",
		Summary: fmt.Sprintf("cannot open a WebSocket over the %s front with %s", front, protocol),
		Hint:    "let the web server pass WebSockets to an http listener of the host: modgw-host apache config writes the lines",
	}
}
