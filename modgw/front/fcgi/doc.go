// Package fcgi is the front for web servers that speak FastCGI: Apache's mod_proxy_fcgi first of all, nginx, lighttpd,
// HAProxy and every other client of a responder.
//
// It turns records into *http.Request and responses into records. It routes nothing, limits no body, and does not
// authorise or filter: those two FastCGI roles are refused.
//
// # The loop
//
// A connection is on an event loop while it is idle, and while its requests are ordinary: whole in one buffer within
// [mostOnLoop], taken by a [modgw.LoopHandler], and answered in one write. Then it is a [loopConn], without a goroutine and,
// between requests, without a buffer. For everything else it is lent to a goroutine as a [conn], together with what
// was read and the request that was begun, and comes back when it is idle. Without a loop, goroutines serve it from
// the beginning.
//
// # Who reads a connection that is lent
//
// One goroutine serves a connection from read to write: it takes the records of a request, calls the handler and writes
// the answer, so that a fast request costs no wake-up at all. While the handler runs, its request body takes records
// itself, when it is read. Only when a handler has run for [leadAfter] and nobody reads does another goroutine take the
// lead: it notices the client's going, multiplexed requests and aborts, and reads ahead a little. The goroutine that
// called the handler ends then with the handler. Whoever takes records holds the conn's reading turn.
//
// # Who watches the time
//
// A timer for each request wakes the scheduler for each request: that added a fifth to the round trip of a small one
// (BenchmarkRoundTrip). One patrol for all connections of a server looks at the times they have noted down instead; it
// sleeps while there is none.
package fcgi
