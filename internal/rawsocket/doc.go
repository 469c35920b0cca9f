// Package rawsocket reads and writes sockets by system calls that Go's scheduler does not see. The
// calls never wait, so the scheduler need not know about them. The package relies on behaviour that
// Go does not promise: that a thread may stay in a system call for some microseconds without the
// scheduler's knowledge.
//
// An event loop needs such calls, because it makes many of them in a row on its own thread. [Conn]
// is for goroutines, which wait by the net package. Its benefit is a single call, without an
// allocation, for several pieces in either direction and for descriptors next to bytes;
// BenchmarkExchange shows no difference, with Go 1.26, from not informing the scheduler. Pieces
// that take long to copy are left to the net package.
package rawsocket
