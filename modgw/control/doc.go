// Package control is how a running host is asked and told things: a JSON API over HTTP on a Unix
// socket, and the client for it. Administrators may see and do everything, other users what
// concerns their own apps; see [Rights].
//
// It decides nothing: what is asked goes to a [Host], which modgw/host implements.
package control
