package workers

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/internal/shebang"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/mistake"
)

// errStopped means that the pool is being stopped.
var errStopped = errors.New("the app is being stopped")

// notStarted is the fault for a process that could not be started.
func (p *Pool) notStarted(err error) error {
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		return fault
	}
	d := p.config.Runner.Descriptor
	fault := &modgw.Fault{Code: "MGW-PRG-001", Summary: fmt.Sprintf("cannot start the program of app %q", d.Name), Err: err}
	switch hint := StartHint(err); {
	case hint != "":
		fault.Hint = hint
	case errors.Is(err, syscall.EAGAIN):
		fault.Hint = ProcessesHint(d)
	case errors.Is(err, fs.ErrNotExist):
		fault.Hint = fmt.Sprintf("install it, or name it with its path; the app's root %q must exist too", d.Root)
	case errors.Is(err, fs.ErrPermission):
		fault.Hint = fmt.Sprintf("user %q must be allowed to run it and to enter %q", d.User, d.Root)
	}
	return fault
}

// StartHint returns the advice for a limit that cannot be set, or a process that cannot be
// confined. It returns "" for other errors.
func StartHint(err error) string {
	if _, ok := errors.AsType[*sandbox.Error](err); ok {
		return "the machine forbids what it allowed when the host started; restart the host, and see in modgw-host status which means it finds"
	}
	e, ok := errors.AsType[*proc.LimitError](err)
	if !ok {
		return ""
	}
	return fmt.Sprintf("lower limits { %s } to %d, or give the host more: LimitNOFILE=, LimitNPROC= or LimitDATA= in its systemd unit, --ulimit of its container",
		e.Name, e.Hard)
}

// ProcessesHint returns the advice if the kernel starts no more processes for an app's user.
func ProcessesHint(d modgw.Descriptor) string {
	if d.Limits.Processes > 0 {
		return fmt.Sprintf("raise limits { processes = %d }, or end processes of the app's user: all of them count, and each thread as one", d.Limits.Processes)
	}
	return "end processes of the app's user, or raise the limit that the host has: LimitNPROC= or TasksMax= in its systemd unit, --ulimit or --pids-limit of its container"
}

// endedEarly is the fault for a process that ended before it was ready.
func (p *Pool) endedEarly(w *Worker) error {
	fault := &modgw.Fault{
		Code:    "MGW-PRG-002",
		Summary: fmt.Sprintf("cannot start the program of app %q: it ended: %s", p.config.Runner.Descriptor.Name, w.Reason()),
		Output:  w.output.String(),
		Hint:    "run its command by hand, as the app's user and in the app's root",
	}
	if program := p.config.Runner.Descriptor.Program(); program != "" {
		hint := shebang.Mistake(program, p.config.User)
		if hint != "" && hint != shebang.NoLine { // the shell that starts it runs one without
			fault.Code, fault.Hint = "MGW-CFG-029", hint
		}
	}
	if reason := reasonIn(fault.Output); reason != "" {
		if place := mistake.Place(fault.Output, p.config.Runner.Descriptor); place != "" {
			reason += " (" + place + ")"
		}
		fault.Err = errors.New(reason)
		if unread := p.config.Runner.Environment.Unread; missingModule.MatchString(reason) && len(unread) > 0 {
			fault.Hint = unread[0]
		}
	}
	return fault
}

// startedTooLong is the fault for a process that is not ready in time.
func (p *Pool) startedTooLong(w *Worker) error {
	d := p.config.Runner.Descriptor
	return &modgw.Fault{
		Code:    "MGW-PRG-003",
		Summary: fmt.Sprintf("cannot start the program of app %q within %s", d.Name, d.Timeouts.Startup),
		Output:  w.output.String(),
		Hint:    p.config.LateHint,
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
