package tracecontext

import "encoding/hex"

// TraceID names a trace. The zero value names none.
type TraceID [16]byte

// SpanID names a span of a trace. The zero value names none.
type SpanID [8]byte

// String is the id as the header has it; "" for the zero value.
func (id TraceID) String() string {
	if id == (TraceID{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// String is the id as the header has it; "" for the zero value.
func (id SpanID) String() string {
	if id == (SpanID{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// SpanContext names the span that a request was sent from. The zero value is none.
type SpanContext struct {
	Trace   TraceID // trace that the span belongs to
	Span    SpanID  // the span itself
	Sampled bool    // the sender records its span
	Random  bool    // the last seven bytes of Trace are random
}

// IsValid reports whether it names a span.
func (p SpanContext) IsValid() bool { return p.Trace != TraceID{} && p.Span != SpanID{} }

// Span is one that is recorded.
type Span struct {
	Self   SpanContext // names this span
	Parent SpanContext // the span that it was caused by; zero: none, it begins a trace
	Link   SpanContext // a span that the client names, and whose trace is not continued; zero: none
	State  string      // value of the tracestate header; "": none
}

// The bits of the flags of a traceparent header.
const (
	sampled = 1 << iota
	random
)

// The places of the fields of a traceparent header: version, trace, span, flags.
const (
	traceAt = 3
	spanAt  = traceAt + 2*len(TraceID{}) + 1
	flagsAt = spanAt + 2*len(SpanID{}) + 1
	length  = flagsAt + 2
)

// ParseTraceparent reads the values of a request's traceparent headers. Only one header of version
// 0, or one of a later version that begins with the fields of version 0, names a parent.
func ParseTraceparent(headers []string) SpanContext {
	if len(headers) != 1 || len(headers[0]) < length {
		return SpanContext{}
	}
	var version, flags [1]byte
	var p SpanContext
	h := headers[0]
	ok := parseHex(version[:], h) && parseHex(p.Trace[:], h[traceAt:]) && parseHex(p.Span[:], h[spanAt:]) &&
		parseHex(flags[:], h[flagsAt:]) && h[traceAt-1] == '-' && h[spanAt-1] == '-' && h[flagsAt-1] == '-'
	switch {
	case !ok || version[0] == 0xff || !p.IsValid():
		return SpanContext{}
	case len(h) > length && (version[0] == 0 || h[length] != '-'):
		return SpanContext{}
	}
	p.Sampled, p.Random = flags[0]&sampled != 0, flags[0]&random != 0
	return p
}

// parseHex reads the bytes of dst from the beginning of s, where each must be two digits in lower
// case.
func parseHex(dst []byte, s string) bool {
	for i := range dst {
		high, low := digit(s[2*i]), digit(s[2*i+1])
		if high > 0xf || low > 0xf {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// digit is the value of a hexadecimal digit in lower case; more than 15 for another character.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// String is the traceparent header of a request that is sent from the span.
func (p SpanContext) String() string {
	b := make([]byte, 0, length)
	b = append(b, "00-"...)
	b = append(hex.AppendEncode(b, p.Trace[:]), '-')
	b = append(hex.AppendEncode(b, p.Span[:]), '-')
	var flags byte
	if p.Sampled {
		flags |= sampled
	}
	if p.Random {
		flags |= random
	}
	return string(hex.AppendEncode(b, []byte{flags}))
}
