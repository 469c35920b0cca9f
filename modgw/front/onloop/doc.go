// Package onloop serves connections on an event loop as long as their requests are ordinary: each
// is whole in memory, a [modgw.LoopHandler] accepts it, and one write answers it within [MaxTime].
// Everything else goes to a goroutine with the connection, which comes back when it is idle again.
//
// The package decides who drives a connection. The front's [Protocol] knows its contents: it reads,
// parses and writes without waiting, and its [Driver] serves the connection on a goroutine.
package onloop
