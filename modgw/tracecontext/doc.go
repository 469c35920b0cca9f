// Package tracecontext reads and writes the headers by which a request says which trace it belongs
// to, as the W3C's Trace Context has them. What they say comes from anybody: a header that is not
// exactly as the specification has it counts as absent.
//
// The package decides nothing, and records nothing.
package tracecontext
