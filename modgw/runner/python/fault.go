package python

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// cannotLoad returns the fault for a worker that could not load the app.
func cannotLoad(c modgw.RunnerConfig, m *wire.FailedMessage) *modgw.Fault {
	entry := c.Descriptor.Entry()
	fault := &modgw.Fault{Output: m.Traceback, Err: errors.New(place(m)), Exceptions: control.Exceptions(m.Details, c.Descriptor.Secrets)}
	switch m.Reason {
	case "missing":
		fault.Code, fault.Summary = "MGW-APP-002", fmt.Sprintf("cannot find the callable of %q", entry)
		fault.Hint = "name it in entry, as in \"package.module:callable\""
	case "not callable":
		fault.Code, fault.Summary = "MGW-APP-003", fmt.Sprintf("cannot call what %q names", entry)
		fault.Hint = fmt.Sprintf("the entry must name %s callable, or with \"()\" a factory that returns one", article[c.Descriptor.Kind])
	case "exit":
		fault.Code, fault.Summary = "MGW-APP-004", fmt.Sprintf("cannot import %q: it ended the process", entry)
		fault.Hint = "an app must not call sys.exit() or run a server while it is imported; put that below if __name__ == \"__main__\":"
	case "gevent":
		fault.Code, fault.Summary = "MGW-APP-031", fmt.Sprintf("cannot run %q with gevent: its environment has none that works", entry)
		fault.Hint = "add gevent to the app's requirements, or take concurrency out of its wsgi block"
	case "telemetry":
		fault.Code, fault.Summary = "MGW-APP-034", fmt.Sprintf("cannot start OpenTelemetry for %q", entry)
		fault.Hint = "add opentelemetry-distro, opentelemetry-exporter-otlp-proto-http and the instrumentations that " +
			"opentelemetry-bootstrap lists to the app's requirements, or take opentelemetry out of its python block"
	case "startup":
		fault.Code, fault.Summary = "MGW-APP-021", fmt.Sprintf("cannot start %q: its lifespan startup failed", entry)
		fault.Hint = "what the app does before its first request failed; the place is named above"
	case "startup late":
		fault.Code = "MGW-APP-033"
		fault.Summary = fmt.Sprintf("cannot start %q: its lifespan startup has not completed within %s", entry, c.Descriptor.Timeouts.Startup)
		fault.Err, fault.Hint = nil, "when it only needs longer, raise timeouts { startup }"
		if m.File != "" {
			fault.Err = fmt.Errorf("it waits at %s:%d: %s", m.File, m.Line, m.Text)
		}
	default:
		fault.Code, fault.Summary = "MGW-APP-001", fmt.Sprintf("cannot import %q", entry)
		if m.Type == "ModuleNotFoundError" {
			fault.Hint = "add the package to the app's requirements, or its folder to python { path = […] }"
			if unread := c.Environment.Unread; len(unread) > 0 {
				fault.Hint = unread[0]
			}
		}
	}
	return fault
}

// article is the type of callable that an entry must name, by the app's kind.
var article = map[modgw.Kind]string{modgw.KindWSGI: "a WSGI", modgw.KindASGI: "an ASGI"}

// place describes the error and its place, on one line.
func place(m *wire.FailedMessage) string {
	text := m.Type
	if m.Message != "" {
		text += ": " + m.Message
	}
	if m.File != "" {
		// A SyntaxError names its place, too.
		text = strings.TrimSuffix(text, fmt.Sprintf(" (%s, line %d)", filepath.Base(m.File), m.Line))
		text += fmt.Sprintf(" (%s:%d)", m.File, m.Line)
	}
	return text
}

// endedEarly is the fault for a worker that ended before it was ready.
func endedEarly(c modgw.RunnerConfig, why, output string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-004",
		Summary: fmt.Sprintf("cannot import %q: the worker ended: %s", c.Descriptor.Entry(), why),
		Output:  output,
	}
}

// startedTooLong is the fault for a worker that is not ready in time; output has the stacks of its
// threads.
func startedTooLong(c modgw.RunnerConfig, output string) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-APP-005",
		Summary: fmt.Sprintf("cannot import %q within %s", c.Descriptor.Entry(), c.Descriptor.Timeouts.Startup),
		Output:  output,
		Hint:    "the stack above shows what it waits for; when it only needs longer, raise timeouts { startup }",
	}
}

// cannotStart is the fault for a worker whose process could not be started.
func cannotStart(c modgw.RunnerConfig, err error) *modgw.Fault {
	fault := &modgw.Fault{Code: "MGW-APP-006", Summary: "cannot start a worker", Err: err}
	interpreter := c.Environment.Interpreter
	switch hint := workers.StartHint(err); {
	case hint != "":
		fault.Hint = hint
	case errors.Is(err, syscall.EAGAIN):
		fault.Hint = workers.ProcessesHint(c.Descriptor)
	case interpreter == "":
		fault.Hint = "the environment has no interpreter; set python { version = … } or python { venv = … }"
	case errors.Is(err, fs.ErrNotExist):
		fault.Hint = fmt.Sprintf("the interpreter %q (%s) or the app's root %q is not there any more; reload the app to build its environment again",
			interpreter, c.Environment.Version, c.Descriptor.Root)
	case errors.Is(err, fs.ErrPermission):
		fault.Hint = fmt.Sprintf("user %q must be allowed to run %q and to enter %q", c.Descriptor.User, interpreter, c.Descriptor.Root)
	}
	return fault
}
