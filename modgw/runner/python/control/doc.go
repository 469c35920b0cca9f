// Package control holds the host's side of one worker process: its control connection, on which it
// says that it is ready, what it logs and which requests it gives back, and on which it is asked
// for the stacks of its threads.
//
// It carries no requests. What does, the connections of packages wsgi and mux, implements
// [Connections].
package control
