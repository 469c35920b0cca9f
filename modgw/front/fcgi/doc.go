// Package fcgi is the front for web servers that speak FastCGI: Apache's mod_proxy_fcgi first of
// all, nginx, lighttpd, HAProxy and every other client of a responder.
//
// It turns records into *http.Request and responses into records. It routes nothing, limits no
// body, and does not authorise or filter: those two FastCGI roles are refused.
//
// # The loop
//
// Package onloop has a connection while it is idle and while its requests are ordinary: a
// [loopConn] looks for those that are whole in one buffer. For everything else a goroutine serves
// the connection as a [conn]. Without a loop, goroutines serve it from the beginning.
//
// # Who reads a connection on goroutines
//
// One goroutine serves a connection from read to write: it takes the records of a request, calls
// the handler and writes the answer, so that a fast request costs no wake-up at all. While the
// handler runs, its request body takes records itself, when it is read. Only when a handler has run
// for [leadAfter] and no goroutine reads does another goroutine take the lead: it notices the
// client's going, multiplexed requests and aborts, and reads ahead a little. The goroutine that
// called the handler ends then with the handler. The goroutine that takes records holds the conn's
// reading turn.
package fcgi
