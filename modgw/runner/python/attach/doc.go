// Package attach lets a worker attach to an app: a process that the host has not started, such as a
// debugger's, an IDE's or a test's, connects to a socket of the app and serves its requests.
//
// It knows the socket, who may connect, and that one process at a time is attached. What a worker
// does is not its business.
package attach
