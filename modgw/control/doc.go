// Package control is the interface to a running host: a JSON API over HTTP on a Unix socket, and
// its client. Administrators may see and do everything, other users may see and change only their
// own apps; see [Rights].
//
// It makes no decisions: requests go to a [Host], which modgw/host implements.
package control
