package tests

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/modgw/modgw/internal/fronttest"
)

// spanCollector is an OpenTelemetry collector that only receives spans.
type spanCollector struct {
	*httptest.Server

	mu    sync.Mutex
	spans []receivedSpan
}

// receivedSpan is a span, and the service that made it.
type receivedSpan struct {
	*tracepb.Span
	service string
}

func newSpanCollector(t *testing.T) *spanCollector {
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collectorpb.ExportTraceServiceRequest
		if err == nil && r.URL.Path == "/v1/traces" {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range sent.ResourceSpans {
			service := attribute(resource.Resource.Attributes, "service.name").GetStringValue()
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					c.spans = append(c.spans, receivedSpan{span, service})
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// attribute returns the value of an attribute, or nil if it is missing.
func attribute(all []*commonpb.KeyValue, name string) *commonpb.AnyValue {
	for _, a := range all {
		if a.Key == name {
			return a.Value
		}
	}
	return nil
}

// find returns the span with an ID in the format of a traceparent header.
func (c *spanCollector) find(s *site, service, id string) receivedSpan {
	s.t.Helper()
	var found receivedSpan
	s.eventually("the span "+id+" of "+service+" comes", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := slices.IndexFunc(c.spans, func(span receivedSpan) bool {
			return span.service == service && fmt.Sprintf("%x", span.SpanId) == id
		})
		if at >= 0 {
			found = c.spans[at]
		}
		return at >= 0
	})
	return found
}

const tracedWSGI = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ.get("HTTP_TRACEPARENT", "none").encode()]
`

const tracedASGI = `
async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = dict(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": headers.get(b"traceparent", b"none")})
`

const tracedHTTP = `
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers.get("traceparent", "none").encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// TestTraceGoesOnThroughTheHostIntoAppsOfAllKinds checks in which trace apps are, directly and
// through Apache.
func TestTraceGoesOnThroughTheHostIntoAppsOfAllKinds(t *testing.T) {
	t.Parallel()
	s, c := newSite(t), newSpanCollector(t)
	s.write("modgw.hcl", fmt.Sprintf(`
apps  = ["apps/*/modgw.hcl"]
state = "state"
listen "http" { address = "127.0.0.1:0" }
listen "fastcgi" {
  address = "unix:%s/fcgi.sock"
  mode    = "0666"
}
tracing {
  endpoint = "%s"
  sample   = 0
}
defaults {
  reload { mode = "off" }
  wsgi { workers = 1 }
  asgi { workers = 1 }
}
`, s.dir, c.URL))
	for name, text := range map[string]string{
		"wsgi/app.py":    tracedWSGI,
		"wsgi/modgw.hcl": "app \"wsgi\" {\n  wsgi { entry = \"./app.py\" }\n  mount = \"/wsgi\"\n}\n",
		"asgi/app.py":    tracedASGI,
		"asgi/modgw.hcl": "app \"asgi\" {\n  asgi { entry = \"./app.py\" }\n  mount = \"/asgi\"\n}\n",

		"cgi/modgw.hcl":  "app \"cgi\" {\n  cgi { script = \"app.sh\" }\n  mount = \"/cgi\"\n}\n",
		"http/app.py":    tracedHTTP,
		"http/modgw.hcl": "app \"http\" {\n  http { command = [\"python3\", \"app.py\"] }\n  mount = \"/http\"\n}\n",
	} {
		s.write("apps/"+name, text)
	}
	s.writeExecutable("apps/cgi/app.sh", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"${HTTP_TRACEPARENT:-none}\"\n")
	s.start()
	apache := fronttest.StartApache(t, s.apacheSite())
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, app := range []string{"wsgi", "asgi", "cgi", "http"} {
		for _, url := range []string{s.url, apache.URL} {
			if got := passedTrace(t, url+"/"+app+"/", ""); got != "none" {
				t.Errorf("%s gets %s for a request that is not traced", app, got)
			}
			if url == s.url { // no web server is between the client and the host
				if got := passedTrace(t, url+"/"+app+"/", "00-"+trace+"-"+parent+"-01"); got != "none" {
					t.Errorf("%s gets %s for a trace of a client", app, got)
				}
				continue
			}
			unsampled := "00-" + trace + "-" + parent + "-00"
			if got := passedTrace(t, url+"/"+app+"/", unsampled); got != unsampled {
				t.Errorf("%s gets %s for a trace that is not sampled", app, got)
			}
			got := passedTrace(t, url+"/"+app+"/", "00-"+trace+"-"+parent+"-01")
			fields := strings.Split(got, "-")
			if len(fields) != 4 || fields[1] != trace || fields[2] == parent || fields[3] != "01" {
				t.Errorf("%s gets %s", app, got)
				continue
			}
			span := c.find(s, "modgw", fields[2])
			if fmt.Sprintf("%x", span.TraceId) != trace || fmt.Sprintf("%x", span.ParentSpanId) != parent ||
				attribute(span.Attributes, "modgw.app").GetStringValue() != app || span.Name != "GET /"+app+"/*" ||
				attribute(span.Attributes, "http.response.status_code").GetIntValue() != 200 {
				t.Errorf("%s: %v", app, span)
			}
			if front := attribute(span.Attributes, "modgw.wait.front"); front == nil {
				t.Errorf("%s: the time in the web server is missing: %v", app, span)
			}
		}
	}
}

// passedTrace returns the traceparent that an app gets for a request with or without a traceparent.
func passedTrace(t *testing.T, url, traceparent string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", url, response.Status, body, err)
	}
	return string(body)
}

const telemetryApp = `
from opentelemetry import trace
from opentelemetry.propagate import extract
tracer = trace.get_tracer("app")
def application(environ, start_response):
    context = extract({"traceparent": environ.get("HTTP_TRACEPARENT", "")})
    with tracer.start_as_current_span("work", context=context) as span:
        own = format(span.get_span_context().span_id, "016x")
    start_response("200 OK", [])
    return [(environ.get("HTTP_TRACEPARENT", "none") + " " + own).encode()]
`

// TestSpansOfTheAppAreChildrenOfTheHosts has several generations of an app create spans with the
// real library. The virtual environment $MODGW_TEST_OPENTELEMETRY contains it: opentelemetry-distro
// and opentelemetry-exporter-otlp-proto-http. The worker's tests cover the worker's part of it
// without the library.
func TestSpansOfTheAppAreChildrenOfTheHosts(t *testing.T) {
	t.Parallel()
	venv := os.Getenv("MODGW_TEST_OPENTELEMETRY")
	if venv == "" {
		t.Skip("no virtual environment with OpenTelemetry is named")
	}
	s, c := newSite(t), newSpanCollector(t)
	s.write("modgw.hcl", fmt.Sprintf(`
apps  = ["apps/*/modgw.hcl"]
state = "state"
listen "http" { address = "127.0.0.1:0" }
tracing { endpoint = "%s" }
`, c.URL))
	s.write("apps/shop/app.py", telemetryApp)
	s.write("apps/shop/modgw.hcl", fmt.Sprintf(`
app "shop" {
  wsgi {
    entry   = "./app.py"
    workers = 2
  }
  python {
    venv          = "%s"
    opentelemetry = true
  }
  env = { OTEL_METRICS_EXPORTER = "none", OTEL_LOGS_EXPORTER = "none" }
}
`, venv))
	s.start()
	ask := func() (host, own string) {
		for range 10 {
			_, body := s.get("/")
			parent, span, ok := strings.Cut(body, " ")
			fields := strings.Split(parent, "-")
			if !ok || len(fields) != 4 {
				t.Fatalf("the app gets %q", body)
			}
			host, own = fields[2], span
		}
		return host, own
	}
	for generation := 1; generation <= 3; generation++ {
		host, own := ask()
		// its workers end at once
		s.mustRun("reload", "shop", "--wait", "--control", "unix:"+s.path("state/control.sock"))
		span := c.find(s, "shop", own)
		if parent := c.find(s, "modgw", host); fmt.Sprintf("%x", span.ParentSpanId) != host || string(span.TraceId) != string(parent.TraceId) {
			t.Errorf("the parent of %v is not %v", span, parent)
		}
	}
}
