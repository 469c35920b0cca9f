// Package eventloop waits for sockets on its own goroutine, with its own epoll instance, and calls
// handlers there.
//
// Go's poller wakes a goroutine for each ready socket, and often a thread for the goroutine, which
// is the largest part of the cost of a small request. A [Loop] handles all ready sockets in turn,
// without another goroutine, and writes the gathered output at the end of each turn. It reads and
// writes with package rawsocket; Go's scheduler sees only the one call that waits. An idle loop
// sleeps without a timer.
//
// Handlers must be short: work that computes, blocks or waits belongs on a goroutine. A [Socket]
// belongs to a loop but is also read and written by goroutines, which wait for the loop instead of
// Go's poller: a socket that is registered with both would wake both. A [Limit] finds work that has
// been on a loop for too long.
//
// There are libraries: gnet, CloudWeGo's netpoll, and nbio. They accept and keep connections
// themselves, so a connection cannot move to a goroutine as a net.Conn and come back; they own the
// buffers; none passes descriptors over Unix sockets, which workers do with files; and their loops
// have no end of a turn, at which many requests become one write. Only the wait for events would
// remain, which is a page of code.
//
// The package does not know the protocols on the sockets. It supports only Linux.
package eventloop
