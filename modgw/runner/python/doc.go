// Package python runs Python apps: it keeps worker processes that speak the protocol of [wire], gives each request to a
// free one, and turns what it answers into the response.
//
// It finds no interpreter and installs nothing: the environment comes with the descriptor. It speaks WSGI; what is not
// particular to WSGI (workers, lanes, streams) knows nothing of it.
package python
