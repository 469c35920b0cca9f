// Package wsgi serves requests of WSGI apps: it makes their environ and gives them to the threads
// of the workers. Each thread has a connection and answers its requests in order. A scheduler
// chooses the thread, and takes back requests that wait behind a slow one.
//
// Requests of apps with gevent go to their workers through package mux.
package wsgi
