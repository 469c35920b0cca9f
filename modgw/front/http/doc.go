// Package http is the front for HTTP/1.1 and HTTP/2, with TLS or without, used directly or behind a web server's HTTP proxy:
// net/http's server with limits, with a guard before it that refuses what two readers could take for different requests, and
// with the word of trusted proxies about their clients believed, and everybody else's dropped.
//
// It has no certificates of its own, routes nothing and limits no body's length.
package http
