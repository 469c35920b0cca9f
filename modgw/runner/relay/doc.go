// Package relay forwards a request's body to the process that executes the request, and the
// response to the client, and decides how both end if something goes wrong. One table of outcomes
// has the client's answer, the log record, whether another worker is asked, and the fate of the
// first one.
//
// It starts no program and implements no protocol: the runners do, and use it.
package relay
