// Package tracing follows requests through the host for OpenTelemetry. It continues the trace that
// a request comes with, makes one span for each request that is sampled, from the timeline that the
// host has of every request anyway, and sends the spans to a collector in batches. The app gets the
// context of the span in the request's headers.
//
// A request that is not sampled costs two look-ups in its header, and a host without the setting
// nothing. While no span waits, nothing runs.
//
// The format is OTLP over HTTP, with the messages of go.opentelemetry.io/proto/slim/otlp, which
// cost 0.15 MB of the program and half a second of compiling. The SDK of OpenTelemetry is not used:
// a span is known as a whole when its request has ended, so that nothing is left for the SDK but a
// queue, whose timer wakes an idle process every few seconds. Its exporter, otlptracehttp, needs
// gRPC: 141 packages more in place of 4, some 8 MB and 20 seconds.
package tracing
