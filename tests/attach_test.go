package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// attach runs the command that modgw-host attach prints for an app, until the test ends or the
// returned function is called.
func (s *site) attach(app string) (detach func()) {
	s.t.Helper()
	line := s.mustRun("attach", app, "-c", "modgw.hcl")
	folder, command, found := strings.Cut(strings.TrimSpace(line), " && ")
	if !found {
		s.t.Fatalf("attach printed %q", line)
	}
	// exec in place of the shell, which would be killed instead of Python.
	cmd := exec.Command("sh", "-c", folder+" && export "+strings.Replace(command, " python -m", "; exec python3 -m", 1))
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	detach = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}
	}
	s.t.Cleanup(detach)
	return detach
}

func TestAppIsServedByTheProcessThatAttaches(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const descriptor = `
		app "hello" {
		  attach = true
		  wsgi { entry = "hello.py" }
		  python { packages = ["no-such-package-anywhere"] }
		  health { path = "/" }
		}
	`
	s.write("apps/hello/modgw.hcl", descriptor)
	s.write("apps/hello/hello.py", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"one"]
`)
	s.start()
	if got := s.status("hello"); got.Runner.Workers[0].State != "waiting for a worker" || got.Watch.Mode != "off" {
		t.Errorf("before: %+v", got)
	}
	detach := s.attach("hello")
	if code, body := s.get("/"); code != 200 || body != "one" {
		t.Errorf("got %d %q", code, body)
	}
	if got := s.mustRun("status", "hello", "-c", "modgw.hcl"); !strings.Contains(got, modgw.StateAttached) {
		t.Errorf("status: %s", got)
	}

	// A restart of the host moves the worker to the new generation.
	s.mustRun("restart", "hello", "-c", "modgw.hcl")
	if code, body := s.get("/"); code != 200 || body != "one" {
		t.Errorf("after the restart: %d %q", code, body)
	}

	// Code is read again when the developer restarts the process.
	detach()
	s.write("apps/hello/hello.py", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"two"]
`)
	s.attach("hello")
	if code, body := s.get("/"); code != 200 || body != "two" {
		t.Errorf("of the next process: %d %q", code, body)
	}

	// Without attach the host starts the worker itself.
	s.write("apps/hello/modgw.hcl", strings.NewReplacer("attach = true", "", `["no-such-package-anywhere"]`, "[]").Replace(descriptor))
	s.eventually("a worker of the host", func() bool {
		workers := s.status("hello").Runner.Workers
		return len(workers) > 0 && workers[0].State == "ready"
	})
	if code, body := s.get("/"); code != 200 || body != "two" {
		t.Errorf("from the host's own: %d %q", code, body)
	}
}

// The WebSocket of the test is not read any more when the host closes it, and the last request
// waits for its end.
func TestASGIAppIsServedByTheProcessThatAttaches(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/hello/modgw.hcl", "app \"hello\" {\n  attach = true\n  asgi { entry = \"app.py\" }\n"+
		"  timeouts { websocket_drain = \"0s\" }\n}\n")
	s.write("apps/hello/app.py", fmt.Sprintf(asgiVersion, "one"))
	s.start()
	s.attach("hello")
	if code, body := s.get("/"); code != 200 || body != "one" {
		t.Errorf("got %d %q", code, body)
	}
	if _, text, err := s.dial(t, "/").Read(t.Context()); string(text) != "one" {
		t.Errorf("the WebSocket got %q, %v", text, err)
	}
	s.mustRun("restart", "hello", "-c", "modgw.hcl")
	if code, body := s.get("/"); code != 200 || body != "one" {
		t.Errorf("after the restart: %d %q", code, body)
	}
}
