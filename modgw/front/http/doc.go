// Package http is the front for HTTP/1.1 and HTTP/2, with TLS or without, used directly or behind a
// web server's HTTP proxy. The word of trusted proxies about their clients is believed, and
// everybody else's dropped.
//
// HTTP/1 is read and written by [github.com/modgw/modgw/modgw/http1], HTTP/2 by net/http, which
// gets a connection when its client has begun to speak that. The way of a request over HTTP/1 is
//
//	conn.in        bytes that were read from the connection
//	http1.Parser   finds the head in them, and refuses what is ambiguous
//	Server.respond prepares the request and its RequestInfo, calls the handler, and keeps the
//	               response within the rules
//	writer         gathers the response and frames it
//	conn           writes it, all that is there at once
//
// Who waits for the bytes is another matter. A [loopConn] has its connection on an event loop, with
// many others: while it is idle, and while its requests are short, taken by a [modgw.LoopHandler]
// and answered in one write within [mostOnLoop]. It parses what it has read to conn.in by itself,
// and gives the connection to a goroutine for everything else, until that waits for another request
// and has no input. Without a loop, with TLS and after a PROXY header, [conn.run] is a goroutine
// for one connection from the beginning.
//
// It has no certificates of its own, routes nothing and limits no body's length.
package http
