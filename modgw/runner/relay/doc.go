// Package relay passes a request's body on to whatever executes the request, and the response on to
// the client, and decides what becomes of both when something comes in between: one table of
// outcomes says what the client is answered, what is logged, whether another worker is asked, and
// what becomes of the first one.
//
// It starts no program and speaks no protocol: that is for the runners, which use it.
package relay
