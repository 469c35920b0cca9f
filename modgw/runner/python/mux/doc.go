// Package mux serves requests that share one connection to a worker: those of ASGI apps, and of
// WSGI apps with gevent. All requests of a worker are on it at the same time, each on its own
// stream; the event loop reads it. A worker has a number of slots for requests, and other slots for
// WebSockets.
//
// It does not depend on the contents of request heads or of WebSocket messages.
package mux
