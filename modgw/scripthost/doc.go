// Package scripthost finds, or starts, the one host that serves a file for a user, so that a web
// server may execute that file for each request, or several times at once, without an interpreter
// being started each time.
//
// The host itself is a process of its own, and what it serves is not this package's business.
package scripthost
