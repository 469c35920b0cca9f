// Package python runs Python apps: it starts or forks worker processes, makes each load the app,
// and gives requests to those that are ready.
//
// It finds no interpreter and installs nothing: the environment comes with the descriptor. The
// worker's side, in Python, is in folder worker and embedded here. Each package below has one part:
//
//   - wsgi serves WSGI apps: a connection for each thread, and a scheduler
//   - asgi serves ASGI apps and their WebSockets
//   - mux carries many requests on one connection, for ASGI and gevent
//   - request and response carry one request to a worker and its response to the client
//   - control holds the control connection of a worker
//   - zygote keeps the template process that workers are forked from
//   - attach accepts workers that the host has not started
package python
