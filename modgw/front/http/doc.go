// Package http is the front for HTTP/1.1 and HTTP/2, with or without TLS, used directly or behind a
// web server's HTTP proxy. It believes trusted proxies about their clients, and removes such
// headers of all others.
//
// HTTP/1 is read and written by [github.com/modgw/modgw/modgw/http1], HTTP/2 by net/http, which
// takes over a connection when its client begins to speak HTTP/2. The way of a request over HTTP/1
// is
//
//	conn.in        bytes that were read from the connection
//	http1.Parser   finds the head in them, and refuses ambiguous ones
//	Server.respond prepares the request and its RequestInfo, calls the handler, and keeps the
//	               response within the rules
//	writer         collects the response and frames it
//	conn           writes the collected bytes at once
//
// Who waits for the bytes is independent of that. A [loopConn] has its connection on an event loop,
// with many others: while it is idle, and while its requests are short, accepted by a
// [modgw.LoopHandler] and answered in one write within [mostOnLoop]. It parses its input in conn.in
// by itself, and gives the connection to a goroutine for everything else, until that waits for
// another request and has no input. Without a loop, with TLS and after a PROXY header, [conn.run]
// serves one connection on a goroutine from the beginning.
//
// The package has no certificates of its own, routes nothing and does not limit the length of
// bodies.
package http
