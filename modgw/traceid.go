package modgw

import (
	"net/http"

	"github.com/modgw/modgw/modgw/tracecontext"
)

// TraceID returns the id of the trace of a request, as in the header traceparent: that of its span,
// or the one that a web server in front sent. "": unknown.
func (i *RequestInfo) TraceID(r *http.Request) string {
	switch {
	case i.Trace != nil:
		return i.Trace.Self.Trace.String()
	case i.FromFront:
		return tracecontext.ParseTraceparent(r.Header["Traceparent"]).Trace.String()
	}
	return ""
}

// SpanID returns the id of the host's span for the request; "": there is none.
func (i *RequestInfo) SpanID() string {
	if i.Trace == nil {
		return ""
	}
	return i.Trace.Self.Span.String()
}
