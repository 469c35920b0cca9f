package python

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// telemetry is the part of OpenTelemetry that is needed to start it: it writes files with the
// variables at its start, and about its shutdown.
var telemetry = map[string]string{
	"trace.py": `
class Proxy:
    pass
provider = Proxy()
def get_tracer_provider():
    return provider
`,
	"instrumentation/auto_instrumentation/__init__.py": `
import json, os, sys
from opentelemetry import trace
class Provider:
    def shutdown(self):
        open("shutdown-%d" % os.getpid(), "w").close()
def initialize(*, swallow_exceptions=True):
    assert not swallow_exceptions and "hello" not in sys.modules
    os.environ["OTEL_TRACES_EXPORTER"] = "otlp"
    if os.path.exists("no-sdk"):
        return
    trace.provider = Provider()
    with open("started-%d" % os.getpid(), "w") as file:
        json.dump({n: v for n, v in os.environ.items() if n.startswith("OTEL_")}, file)
`,
}

const traced = `
import os
at_import = sorted(name for name in os.environ if name.startswith("OTEL_"))
def application(environ, start_response):
    start_response("200 OK", [])
    return [("%d %s" % (os.getpid(), at_import)).encode()]
`

// withTelemetry makes an app of a generation that starts OpenTelemetry.
func withTelemetry(t *testing.T) *app {
	t.Helper()
	a := prepare(t, traced, func(d *modgw.Descriptor) {
		d.Python.OpenTelemetry = true
		d.Env = map[string]string{"OTEL_SERVICE_NAME": "own", "OTEL_RESOURCE_ATTRIBUTES": "team=web"}
	})
	a.runner.app.Telemetry = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
	for name, text := range telemetry {
		path := filepath.Join(a.root, "opentelemetry", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestEachGenerationStartsTheAppsOpenTelemetryAndEndsIt(t *testing.T) {
	t.Parallel()
	a := withTelemetry(t)
	for generation := 1; generation <= 2; generation++ {
		if err := a.runner.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var pid int
		t.Cleanup(func() { // when the runner has stopped
			if !a.has(fmt.Sprintf("shutdown-%d", pid)) {
				t.Error("what is left was not exported")
			}
		})
		a.listen()
		var own string
		got := a.get("/")
		if n, _ := fmt.Sscanf(got.body, "%d %s", &pid, &own); n != 2 || got.body != fmt.Sprintf("%d ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_SERVICE_NAME']", pid) {
			t.Errorf("the app's environment is changed: %s", got.body)
		}
		started := map[string]string{}
		text, err := os.ReadFile(a.path(fmt.Sprintf("started-%d", pid)))
		if err != nil || json.Unmarshal(text, &started) != nil {
			t.Fatalf("it was not started: %s %v", text, err)
		}
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"OTEL_SERVICE_NAME":           "own",
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
			"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
			"OTEL_RESOURCE_ATTRIBUTES": fmt.Sprintf(
				"modgw.app=hello,modgw.generation=%d,modgw.worker=1,service.instance.id=%s:%d,team=web", generation, host, pid),
		} {
			if started[name] != want {
				t.Errorf("%s is %q, not %q", name, started[name], want)
			}
		}
		a = a.again()
	}
}

func TestMissingOpenTelemetryIsNamedWithTheFix(t *testing.T) {
	t.Parallel()
	a := withTelemetry(t)
	a.touch("no-sdk")
	faulttest.Want(t, a.failsToStart().Error(), "MGW-APP-034")
	if err := os.RemoveAll(a.path("opentelemetry")); err != nil {
		t.Fatal(err)
	}
	faulttest.Want(t, a.again().failsToStart().Error(), "MGW-APP-034")
}
