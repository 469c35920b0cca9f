package tracing

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/tracecontext"
)

// makeSpan makes the span of a request. Names are those of OpenTelemetry's
// conventions for HTTP servers where they have one. The query of the URL is left out: it may hold
// passwords and tokens.
func makeSpan(
	r *http.Request, info *modgw.RequestInfo, o *modgw.Outcome, ended time.Time,
) *tracepb.Span {
	received := ended.Add(-o.Took)
	self := info.Trace.Self
	span := &tracepb.Span{
		TraceId: self.Trace[:], SpanId: self.Span[:], TraceState: info.Trace.State,
		Flags:             flags(info.Trace),
		Kind:              tracepb.Span_SPAN_KIND_SERVER,
		StartTimeUnixNano: uint64(received.UnixNano()), EndTimeUnixNano: uint64(ended.UnixNano()),
	}
	if parent := info.Trace.Parent; parent.IsValid() {
		span.ParentSpanId = parent.Span[:]
	}
	if link := info.Trace.Link; link.IsValid() {
		span.Links = []*tracepb.Span_Link{{TraceId: link.Trace[:], SpanId: link.Span[:], Flags: hasIsRemote | isRemote}}
	}
	a := make(attributes, 0, 32)
	a.addRequest(r, info)
	a.addAnswer(info, o)
	span.Name = spanName(r.Method, a.addRoute(info, o))
	a.addWaits(o)
	span.Attributes = a
	span.Events = events(received, info, o)
	span.Status = status(o)
	return span
}

// The bits of a span's flags that report whether its parent is in another process.
const (
	hasIsRemote = 0x100
	isRemote    = 0x200
)

// flags are those of the trace context, and that the parent, if there is one, is of another
// process.
func flags(span *tracecontext.Span) uint32 {
	f := uint32(hasIsRemote | 1)
	if span.Self.Random {
		f |= 2
	}
	if span.Parent.IsValid() {
		f |= isRemote
	}
	return f
}

// spanName is the name of a request with a method for a route. There are few of them.
func spanName(method, route string) string {
	if !isKnown(method) {
		method = "HTTP"
	}
	if route == "" {
		return method
	}
	return method + " " + route
}

func isKnown(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func (a *attributes) addRequest(r *http.Request, info *modgw.RequestInfo) {
	if isKnown(r.Method) {
		a.text("http.request.method", r.Method)
	} else {
		a.text("http.request.method", "_OTHER")
		a.text("http.request.method_original", r.Method)
	}
	server, port := info.Server(r)
	a.text("server.address", strings.Trim(server, "[]"))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		a.number("server.port", int64(n))
	}
	a.text("url.scheme", info.Scheme)
	a.text("url.path", (&url.URL{Path: info.Path}).EscapedPath())
	a.text("client.address", info.RemoteAddr)
	a.text("user_agent.original", r.Header.Get("User-Agent"))
	if version, ok := strings.CutPrefix(r.Proto, "HTTP/"); ok {
		a.text("network.protocol.version", strings.TrimSuffix(version, ".0"))
	}
}

// addRoute adds the host's facts about the app, and returns the part of the route that the host
// knows: the mount.
func (a *attributes) addRoute(info *modgw.RequestInfo, o *modgw.Outcome) (route string) {
	if o.App == "" {
		return ""
	}
	route = strings.TrimSuffix(info.ScriptName, "/") + "/*"
	a.text("http.route", route)
	a.text("modgw.app", string(o.App))
	a.number("modgw.generation", int64(o.Generation))
	if o.Worker > 0 {
		a.number("modgw.worker", int64(o.Worker))
	}
	if o.Tries > 1 {
		a.number("modgw.tries", int64(o.Tries))
	}
	return route
}

func (a *attributes) addAnswer(info *modgw.RequestInfo, o *modgw.Outcome) {
	if o.Status != 0 {
		a.number("http.response.status_code", int64(o.Status))
	}
	switch {
	case o.Cause != "":
		a.text("error.type", o.Cause)
	case o.Status >= http.StatusInternalServerError:
		a.text("error.type", strconv.Itoa(o.Status))
	case o.Broken:
		a.text("error.type", "broken off")
	}
	if o.Received > 0 {
		a.number("http.request.body.size", o.Received)
	}
	a.number("http.response.body.size", o.Bytes)
	a.text("modgw.request_id", info.ID)
	a.text("modgw.front", info.Front)
}

// addWaits adds where the time of the request went, in seconds.
func (a *attributes) addWaits(o *modgw.Outcome) {
	if o.Front > 0 {
		a.seconds("modgw.wait.front", o.Front)
	}
	if o.Tries > 0 {
		a.seconds("modgw.wait.queue", o.Queued)
		a.seconds("modgw.wait.app", max(0, o.LastByte-o.Queued))
		a.seconds("modgw.wait.client", max(0, o.Took-o.LastByte))
	}
}

// events are the steps of the request, as far as it came.
func events(received time.Time, info *modgw.RequestInfo, o *modgw.Outcome) []*tracepb.Span_Event {
	var all []*tracepb.Span_Event
	add := func(name string, after time.Duration) {
		at := uint64(received.Add(after).UnixNano())
		all = append(all, &tracepb.Span_Event{Name: name, TimeUnixNano: at})
	}
	if !info.Sent.IsZero() {
		add("received by the web server", -o.Front)
	}
	if o.Tries > 0 {
		add("given to a worker", o.Queued)
	}
	if o.Status != 0 {
		add("first byte", o.FirstByte)
		add("last byte", o.LastByte)
	}
	return all
}

// status reports whether the request failed, by no fault of its client.
func status(o *modgw.Outcome) *tracepb.Status {
	failed := o.Status >= http.StatusInternalServerError || o.Broken && o.Cause != modgw.ClientGone
	if !failed {
		return nil
	}
	return &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: o.Cause}
}
