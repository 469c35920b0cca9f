// Package gunicorn reads command lines of Gunicorn and its files of settings, gunicorn.conf.py,
// which are Python and are read as syntax.
//
// It also reads command lines of other servers whose options are similar: uvicorn,
// Hypercorn, Daphne, Granian and Waitress.
package gunicorn
