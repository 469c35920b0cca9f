package modgw

import (
	"net/http"

	"github.com/modgw/modgw/modgw/tracecontext"
)

// TraceID is the id of the trace that a request belongs to, as the header traceparent has it: that
// of its span, or the one that a web server in front names. "": none is known.
func (i *RequestInfo) TraceID(r *http.Request) string {
	switch {
	case i.Trace != nil:
		return i.Trace.Self.Trace.String()
	case i.FromFront:
		return tracecontext.ParseTraceparent(r.Header["Traceparent"]).Trace.String()
	}
	return ""
}

// SpanID is the id of the span that the host makes of the request; "": it makes none.
func (i *RequestInfo) SpanID() string {
	if i.Trace == nil {
		return ""
	}
	return i.Trace.Self.Span.String()
}
