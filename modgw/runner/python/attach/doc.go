// Package attach lets a worker attach to an app: a process that the host has not started, such as a
// debugger's, an IDE's or a test's, connects to a socket of the app and serves its requests.
//
// It manages the socket, who may connect, and that one process at a time is attached. It does not
// depend on the worker's work.
package attach
