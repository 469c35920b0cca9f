// Package eventloop waits for sockets with an epoll instance of its own, on a goroutine of its own,
// and calls handlers there.
//
// Go's poller wakes a goroutine for each socket that is ready, and often a thread for the
// goroutine: that is what a small request costs most. A [Loop] handles all that is ready in turn,
// without another goroutine, and writes at the end of each turn what was gathered. Reads and writes
// are those of package rawsocket; Go's scheduler sees only the one call that waits. A loop that
// has nothing to do sleeps without a timer.
//
// What a handler does must be short: whatever computes, blocks or waits belongs to a goroutine. A
// [Socket] belongs to a loop and is read and written by goroutines, too, which wait for the loop
// instead of for Go's poller: one that is registered with both would wake both. A [Limit] finds
// what stays on a loop for too long to be served there.
//
// Libraries exist: gnet, netpoll of CloudWeGo, and nbio. They accept connections themselves and
// keep them, so that one cannot move to a goroutine with net.Conn and come back; their buffers
// belong to them; none passes descriptors over Unix sockets, as workers do with files; and their
// loops have no end of a turn, at which many requests become one write. What is left of them is the
// wait for events, a page of code.
//
// The package knows nothing of what is on the sockets. It is for Linux.
package eventloop
