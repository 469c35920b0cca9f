package tracing

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/tracecontext"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// collector is the receiver of spans. answer writes its response; nil: it accepts all spans.
type collector struct {
	answer func(http.ResponseWriter)

	mu    sync.Mutex
	spans int // spans that it has taken
	asked int
}

// RoundTrip implements [http.RoundTripper].
func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Token") != "x" {
		return nil, fmt.Errorf("%s %v", r.URL, r.Header)
	}
	if c.answer != nil {
		c.answer(w)
	}
	if w.Code == http.StatusOK {
		var sent collectorpb.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &sent); err != nil {
			return nil, err
		}
		c.spans += len(sent.ResourceSpans[0].ScopeSpans[0].Spans)
	}
	return w.Result(), nil
}

// counts returns the number of requests, and the number of spans that it has accepted.
func (c *collector) counts() (asked, taken int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked, c.spans
}

func newTracer(c http.RoundTripper, sample float64, log io.Writer) *Tracer {
	t := New(Config{
		Settings: modgw.Tracing{Endpoint: "http://collector:4318/", Sample: sample, Headers: map[string]string{"Token": "x"}},
		Version:  "1.2", Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	t.exporter.client.http.Transport = c
	t.exporter.batch, t.exporter.most = batch, most
	t.trusts = modgw.ContinueAll
	return t
}

// The bounds of tests are small.
const (
	batch = 4
	most  = 8 * batch
)

// request returns a request that the tracer has begun.
func (t *Tracer) request(header http.Header) (*http.Request, *modgw.RequestInfo) {
	r := httptest.NewRequest("GET", "http://blog.example/a%2Fb?token=secret", nil)
	for name, values := range header {
		r.Header[name] = values
	}
	info := &modgw.RequestInfo{Scheme: "https", Path: "/a/b\xff", Front: "http", ID: "abc", RemoteAddr: "192.0.2.7"}
	t.Begin(r, info)
	return r, info
}

func TestTraceOfARequestIsContinuedOrBegun(t *testing.T) {
	t.Parallel()
	unsampled := strings.TrimSuffix(traceparent, "1") + "0"
	for name, c := range map[string]struct {
		sample      float64
		parent      []string
		state       string
		traced      bool
		continued   bool
		passedState string
	}{
		"sampled parent":               {0, []string{traceparent}, "a=1", true, true, "a=1"},
		"sampled parent, broken state": {0, []string{traceparent}, "a", true, true, ""},
		"unsampled parent":             {1, []string{unsampled}, "a=1", false, false, "a=1"},
		"no parent":                    {1, nil, "", true, false, ""},
		"no parent, not sampled":       {0, nil, "", false, false, ""},
		"broken parent":                {1, []string{"00-x"}, "a=1", true, false, ""},
		"two parents":                  {1, []string{traceparent, traceparent}, "a=1", true, false, ""},
	} {
		header := http.Header{}
		if c.parent != nil {
			header["Traceparent"] = c.parent
		}
		if c.state != "" {
			header.Set("Tracestate", c.state)
		}
		r, info := newTracer(&collector{}, c.sample, io.Discard).request(header)
		if traced := info.Trace != nil; traced != c.traced {
			t.Errorf("%s: traced %v", name, traced)
			continue
		}
		if got := r.Header.Get("Tracestate"); got != c.passedState {
			t.Errorf("%s: state %q", name, got)
		}
		if !c.traced {
			if fmt.Sprint(r.Header["Traceparent"]) != fmt.Sprint(c.parent) {
				t.Errorf("%s: %v", name, r.Header)
			}
			continue
		}
		passed := tracecontext.ParseTraceparent(r.Header["Traceparent"])
		if passed != info.Trace.Self || !passed.Sampled || info.Trace.Parent.IsValid() != c.continued {
			t.Errorf("%s: %v is passed on for %+v", name, passed, info.Trace)
		}
		if strings.HasPrefix(passed.String(), traceparent[:36]) != c.continued || strings.Contains(passed.String(), traceparent[36:52]) {
			t.Errorf("%s: %v is passed on", name, passed)
		}
	}
}

func TestTraceOfASenderThatIsNotBelievedIsOnlyLinkedTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trusts    modgw.TraceSender
		fromFront bool
		continued bool
	}{
		{"", false, false}, {"", true, true}, {modgw.ContinueFront, false, false}, {modgw.ContinueFront, true, true},
		{modgw.ContinueAll, false, true}, {modgw.ContinueNone, true, false},
	} {
		for _, sample := range []float64{0, 1} {
			tracer := newTracer(&collector{}, sample, io.Discard)
			tracer.trusts = c.trusts
			r := httptest.NewRequest("GET", "http://blog.example/", nil)
			r.Header["Traceparent"], r.Header["Tracestate"] = []string{traceparent}, []string{"a=1"}
			info := &modgw.RequestInfo{FromFront: c.fromFront}
			tracer.Begin(r, info)
			switch {
			case c.continued:
				if info.TraceID(r) != traceparent[3:35] || info.SpanID() == traceparent[36:52] || info.Trace.Link.IsValid() {
					t.Errorf("%+v, %v: %+v", c, sample, info.Trace)
				}
			case sample == 0:
				if info.Trace != nil || len(r.Header) > 0 || info.TraceID(r) != "" || info.SpanID() != "" {
					t.Errorf("%+v, %v: %+v %v", c, sample, info.Trace, r.Header)
				}
			default:
				span := makeSpan(r, info, &modgw.Outcome{}, time.Now())
				if info.TraceID(r) == traceparent[3:35] || info.Trace.Parent.IsValid() || r.Header["Tracestate"] != nil || len(span.Links) != 1 ||
					fmt.Sprintf("%x-%x", span.Links[0].TraceId, span.Links[0].SpanId) != traceparent[3:52] || len(span.ParentSpanId) > 0 {
					t.Errorf("%+v, %v: %+v %v", c, sample, info.Trace, span)
				}
			}
		}
	}
}

func TestPartOfTheRequestsIsSampled(t *testing.T) {
	t.Parallel()
	tracer, traced := newTracer(&collector{}, 0.25, io.Discard), 0
	for range 4000 {
		if _, info := tracer.request(nil); info.Trace != nil {
			traced++
		}
	}
	if traced < 800 || traced > 1200 { // nine standard deviations
		t.Errorf("%d of 4000 are traced", traced)
	}
}

func TestRequestThatIsNotSampledAllocatesNothing(t *testing.T) {
	tracer := newTracer(&collector{}, 0, io.Discard)
	r, info := tracer.request(http.Header{"Traceparent": {strings.TrimSuffix(traceparent, "1") + "0"}})
	if n := testing.AllocsPerRun(100, func() {
		tracer.Begin(r, info)
		tracer.End(r, info, modgw.Outcome{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// text formats a span for comparison.
func text(span *tracepb.Span) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", span.Name, strings.TrimPrefix(span.Kind.String(), "SPAN_KIND_"))
	for _, a := range span.Attributes {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			fmt.Fprintf(&b, "%s=%q\n", a.Key, v.StringValue)
		case *commonpb.AnyValue_IntValue:
			fmt.Fprintf(&b, "%s=%d\n", a.Key, v.IntValue)
		case *commonpb.AnyValue_DoubleValue:
			fmt.Fprintf(&b, "%s=%gs\n", a.Key, v.DoubleValue)
		}
	}
	for _, e := range span.Events {
		fmt.Fprintf(&b, "%s at %s\n", e.Name, time.Duration(int64(e.TimeUnixNano)-int64(span.StartTimeUnixNano)))
	}
	fmt.Fprintf(&b, "%s %s\n", span.Status.GetCode(), span.Status.GetMessage())
	return b.String()
}

const wantSpan = `GET /blog/* SERVER
http.request.method="GET"
server.address="blog.example"
server.port=443
url.scheme="https"
url.path="/a/b%FF"
client.address="192.0.2.7"
user_agent.original="a �"
network.protocol.version="1.1"
http.response.status_code=504
error.type="MGW-APP-003"
http.request.body.size=5
http.response.body.size=7
modgw.request_id="abc"
modgw.front="http"
http.route="/blog/*"
modgw.app="blog"
modgw.generation=3
modgw.worker=2
modgw.tries=2
modgw.wait.front=0.05s
modgw.wait.queue=0.25s
modgw.wait.app=0.65s
modgw.wait.client=0.1s
received by the web server at -50ms
given to a worker at 250ms
first byte at 800ms
last byte at 900ms
STATUS_CODE_ERROR MGW-APP-003
`

func TestSpanSaysWhereTheTimeWent(t *testing.T) {
	t.Parallel()
	tracer := newTracer(&collector{}, 1, io.Discard)
	r, info := tracer.request(http.Header{"Traceparent": {traceparent}, "Tracestate": {"a=1"}, "User-Agent": {"a \xff"}})
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	info.ScriptName, info.Sent = "/blog", now.Add(-1050*time.Millisecond)
	span := makeSpan(r, info, &modgw.Outcome{
		Status: 504, Cause: "MGW-APP-003", App: "blog", Generation: 3, Worker: 2, Tries: 2, Received: 5, Bytes: 7,
		Front: 50 * time.Millisecond, Queued: 250 * time.Millisecond, FirstByte: 800 * time.Millisecond,
		LastByte: 900 * time.Millisecond, Took: time.Second,
	}, now)
	if got := text(span); got != wantSpan {
		t.Errorf("%s", got)
	}
	if span.EndTimeUnixNano != uint64(now.UnixNano()) || span.EndTimeUnixNano-span.StartTimeUnixNano != 1e9 {
		t.Errorf("%d to %d", span.StartTimeUnixNano, span.EndTimeUnixNano)
	}
	if fmt.Sprintf("%x", span.ParentSpanId) != traceparent[36:52] || span.TraceState != "a=1" || span.Flags != 0x301 {
		t.Errorf("parent %x, state %q, flags %x", span.ParentSpanId, span.TraceState, span.Flags)
	}
	r, info = tracer.request(nil)
	r.Method = "BREW"
	span = makeSpan(r, info, &modgw.Outcome{Status: 404, Took: time.Second}, now)
	if span.Name != "HTTP" || span.ParentSpanId != nil || span.Status != nil || span.Flags != 0x101 || len(span.Events) != 2 {
		t.Errorf("%s: %x %v %x", text(span), span.ParentSpanId, span.Status, span.Flags)
	}
}

// exporting runs a tracer while f ends requests.
func exporting(t *testing.T, c http.RoundTripper, f func(tracer *Tracer, end func(n int))) (log string) {
	t.Helper()
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		tracer := newTracer(c, 1, &text)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			tracer.Run(ctx)
		}()
		f(tracer, func(n int) {
			for range n {
				r, info := tracer.request(nil)
				tracer.End(r, info, modgw.Outcome{Status: 200, Took: time.Second})
			}
		})
		cancel()
		began := time.Now()
		if <-ended; time.Since(began) > lastTime {
			t.Errorf("the end takes %s", time.Since(began))
		}
	})
	return text.String()
}

func TestSpansAreSentTogetherAndTheRestAtTheEnd(t *testing.T) {
	t.Parallel()
	c := &collector{}
	wants := func(wantAsked, wantTaken int) {
		t.Helper()
		if asked, taken := c.counts(); asked != wantAsked || taken != wantTaken {
			t.Errorf("%d spans in %d requests, not %d in %d", taken, asked, wantTaken, wantAsked)
		}
	}
	exporting(t, c, func(tracer *Tracer, end func(int)) {
		end(3)
		wants(0, 0)
		time.Sleep(batchTime + time.Millisecond)
		wants(1, 3)
		end(batch)
		synctest.Wait()
		wants(2, batch+3)
		time.Sleep(time.Hour)
		end(1)
	})
	wants(3, batch+4)
}

func TestCollectorThatIsDownCostsABoundedNumberOfSpans(t *testing.T) {
	t.Parallel()
	c := &collector{answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }}
	const ended = most + 2*batch
	log := exporting(t, c, func(tracer *Tracer, end func(int)) {
		end(ended)
		if n := tracer.Dropped(); n < batch || n > 2*batch { // one batch may be on its way
			t.Errorf("%d of %d are dropped", n, ended)
		}
		time.Sleep(time.Hour)
		if n := tracer.Dropped(); n != ended {
			t.Errorf("%d are dropped", n)
		}
		before, _ := c.counts()
		time.Sleep(time.Hour)
		if after, taken := c.counts(); after != before || taken != 0 {
			t.Error("the collector is asked though there is nothing to send")
		}
		end(1)
		time.Sleep(batchTime + 2*time.Second) // the collector returns while a batch is retried
		c.mu.Lock()
		c.answer = nil
		c.mu.Unlock()
		time.Sleep(retryTime)
		if _, taken := c.counts(); taken != 1 || tracer.Exported() != 1 {
			t.Errorf("%d are taken", taken)
		}
	})
	if n := strings.Count(log, "spans dropped"); n != 1 || strings.Count(log, "spans are exported again") != 1 {
		t.Errorf("%s", log)
	}
}

// silent is a collector that does not answer.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestEndOfTheHostWaitsOnlySoLongForTheCollector(t *testing.T) {
	t.Parallel()
	exporting(t, silent{}, func(tracer *Tracer, end func(int)) { end(2*batch + 1) })
	exporting(t, silent{}, func(tracer *Tracer, end func(int)) {
		end(2*batch + 1)
		time.Sleep(2 * batchTime)
	})
}

func TestAnswersOfTheCollectorAreTakenAtTheirWord(t *testing.T) {
	t.Parallel()
	partial, err := proto.Marshal(&collectorpb.ExportTraceServiceResponse{
		PartialSuccess: &collectorpb.ExportTracePartialSuccess{RejectedSpans: 2, ErrorMessage: "too\nold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		answer  func(http.ResponseWriter)
		asked   int
		dropped uint64
		log     string
	}{
		"refused": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }, 1, 3, `400 Bad Request`},
		"a redirect, which is not followed": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://elsewhere/")
			w.WriteHeader(http.StatusFound)
		}, 1, 3, `302 Found`},
		"partly refused": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write(partial)
		}, 1, 2, `too\\nold`},
		"another page": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") }, 1, 0, ""},
		"asked to wait": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 2, 3, "429"},
	} {
		c := &collector{answer: want.answer}
		log := exporting(t, c, func(tracer *Tracer, end func(int)) {
			end(3)
			time.Sleep(time.Minute)
			if asked, _ := c.counts(); asked != want.asked || tracer.Dropped() != want.dropped || tracer.Exported() != 3-want.dropped {
				t.Errorf("%s: asked %d times, %d dropped", name, asked, tracer.Dropped())
			}
		})
		if !strings.Contains(log, want.log) {
			t.Errorf("%s: %s", name, log)
		}
	}
}
