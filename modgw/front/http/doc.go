// Package http is the front for plain HTTP/1.1 and HTTP/2 without TLS, used directly or behind a web server's HTTP proxy:
// net/http's server with limits, with a guard before it that refuses what two readers could take for different requests, and
// with the headers of trusted proxies believed and everybody else's dropped.
//
// It terminates no TLS, routes nothing and limits no body's length.
package http
