// Package gunicorn reads command lines of Gunicorn and its files of settings, gunicorn.conf.py, which
// are Python and are read as syntax.
//
// It also reads command lines of other servers that are told of their app in the same way: uvicorn,
// Hypercorn, Daphne, Granian and Waitress.
package gunicorn
