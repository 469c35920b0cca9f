// Package onloop serves connections on an event loop as long as their requests are ordinary: each
// is whole in memory, a [modgw.LoopHandler] accepts it, and one write answers it within [MaxTime].
// Everything else goes to a goroutine with the connection, which comes back when it is idle again.
//
// The package decides who drives a connection. What is on it is known to the front's [Protocol],
// which reads, parses and writes without waiting, and whose [Driver] serves on a goroutine.
package onloop
