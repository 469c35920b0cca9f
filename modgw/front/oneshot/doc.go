// Package oneshot is the common part of the fronts for uwsgi and SCGI, in both of which a connection carries one request:
// its variables, its body, and then the response until the connection ends.
//
// It reads no protocol's variables, which the packages beside it do, routes nothing and limits no body.
//
// # What ends what
//
// A body has the length that CONTENT_LENGTH says; what comes after it is a mistake, if it is noticed in time. Neither protocol has a way to say
// that a request is given up: a client that closes its side of the connection, or only stops sending before its body is
// complete, has gone. Nor is there a way to say that a response has broken off. Over TCP its connection is reset then, which web
// servers take for an error; over a Unix socket it just ends, and only a Content-Length tells that something is missing.
package oneshot
