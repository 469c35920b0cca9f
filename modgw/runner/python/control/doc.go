// Package control holds the host's side of one worker process: its control connection. On it the
// worker reports that it is ready, its log records, and the requests that it gives back, and the
// host asks for the stacks of its threads.
//
// It carries no requests. The connections that do, of packages wsgi and mux, implement
// [Connections].
package control
