// Package tracecontext reads and writes the headers that contain a request's trace, as defined by
// the W3C's Trace Context. Anyone can send them: a header that does not follow the specification
// exactly counts as absent.
//
// The package makes no decisions, and records nothing.
package tracecontext
