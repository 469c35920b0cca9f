// Package rawsocket reads and writes sockets by system calls that Go's scheduler does not see.
// They never wait, so the scheduler need not know. It relies on what Go does not promise: that a
// thread may stay in a system call for some microseconds without the scheduler's knowledge.
//
// An event loop needs such calls: it makes many in a row on a thread of its own. [Conn] is for
// goroutines, which wait by the net package. What it earns there is one call for several pieces in
// either direction, and for descriptors beside bytes, without an allocation; that the scheduler is
// not told makes no difference that BenchmarkExchange can show with Go 1.26. Pieces whose copying
// takes long go the net package's way altogether.
package rawsocket
