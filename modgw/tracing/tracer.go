package tracing

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/tracecontext"
)

// Config is the configuration of a Tracer.
type Config struct {
	Settings modgw.Tracing // block of the host's file
	Version  string        // version of the program

	// Log gets a line when the collector cannot be reached, and one when it can again.
	Log *slog.Logger
}

// Tracer makes spans of requests and sends them to a collector. Make it with [New].
type Tracer struct {
	bound    uint64 // a trace is sampled when its 63-bit random number is below
	trusts   modgw.TraceSender
	exporter *exporter
}

// New makes a tracer. It starts nothing; until Run is called, spans wait.
func New(c Config) *Tracer {
	t := &Tracer{exporter: newExporter(c), bound: 1 << 63, trusts: c.Settings.Continue}
	if c.Settings.Sample < 1 {
		t.bound = uint64(math.Max(0, c.Settings.Sample) * (1 << 63))
	}
	return t
}

// Run exports spans until ctx is done, and then those that have ended until then.
func (t *Tracer) Run(ctx context.Context) { t.exporter.run(ctx) }

// Dropped is how many spans were dropped so far, because the collector could not be reached, did
// not take them, or was too slow.
func (t *Tracer) Dropped() uint64 { return t.exporter.dropped.Load() }

// Exported is how many spans the collector has taken so far.
func (t *Tracer) Exported() uint64 { return t.exporter.exported.Load() }

// Begin decides whether a request is traced: like its parent, else with the configured probability.
// If it is, its header from now on names the span that End makes. A sender that is not believed is
// no parent: its header does not reach the app, and its span is only linked to. It is for
// [modgw.Config].
func (t *Tracer) Begin(r *http.Request, info *modgw.RequestInfo) {
	sender := tracecontext.ParseTraceparent(r.Header["Traceparent"])
	parent, link := sender, tracecontext.SpanContext{}
	if !t.continues(info) {
		parent, link = link, sender
		delete(r.Header, "Traceparent")
		delete(r.Header, "Tracestate")
	}
	if parent.IsValid() && !parent.Sampled || !parent.IsValid() && rand.Uint64()>>1 >= t.bound {
		return
	}
	span := &tracecontext.Span{Parent: parent, Self: parent, Link: link}
	if parent.IsValid() {
		span.State = tracecontext.ParseTracestate(r.Header["Tracestate"])
	} else {
		span.Self.Trace = newTraceID()
	}
	if span.State == "" {
		delete(r.Header, "Tracestate") // it has a mistake, or is of a trace that is not continued
	}
	span.Self.Span, span.Self.Sampled = newSpanID(), true
	r.Header["Traceparent"] = []string{span.Self.String()}
	info.Trace = span
}

// continues reports whether a request continues the trace that its sender names.
func (t *Tracer) continues(info *modgw.RequestInfo) bool {
	switch t.trusts {
	case modgw.ContinueAll:
		return true
	case modgw.ContinueNone:
		return false
	}
	return info.FromFront
}

// End makes the span of a request that Begin has chosen. It is for [modgw.Config].
func (t *Tracer) End(r *http.Request, info *modgw.RequestInfo, o modgw.Outcome) {
	if info.Trace != nil {
		t.exporter.add(makeSpan(r, info, &o, time.Now()))
	}
}

func newTraceID() (id tracecontext.TraceID) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1) // never all zero
	return id
}

func newSpanID() (id tracecontext.SpanID) {
	binary.BigEndian.PutUint64(id[:], max(1, rand.Uint64()))
	return id
}
