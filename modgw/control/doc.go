// Package control is how a running host is asked and told things: a JSON API over HTTP on a Unix
// socket, and the client for it. Only root and the user that the host runs as may speak to it.
//
// It decides nothing: what is asked goes to a [Host], which modgw/host implements.
package control
