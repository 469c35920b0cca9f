// Package scripthost finds, or starts, the one host that serves a file for a user, so that a web
// server may execute that file for each request, or several times at once, without an interpreter
// being started each time.
//
// The host itself is a separate process. The package does not depend on the app that it serves.
package scripthost
