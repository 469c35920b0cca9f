// Package python runs Python apps: it keeps worker processes that speak the protocol of [wire], gives each request to a
// free one, and turns what it answers into the response.
//
// It finds no interpreter and installs nothing: the environment comes with the descriptor. Apps speak WSGI, where each
// thread has a lane and answers the requests on it one after another, or ASGI, where all requests of a worker share one.
// Package workers keeps the workers of both running.
package python
