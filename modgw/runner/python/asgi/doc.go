// Package asgi serves requests and WebSockets of ASGI apps: it makes their scopes, opens WebSockets
// and passes messages on in both directions.
//
// The requests go to the workers through package mux.
package asgi
