package python

import (
	"runtime"

	"github.com/modgw/modgw/modgw"
)

// usualThreads is the default of mod_wsgi-express: apps wait for databases more than they compute.
const usualThreads = 5

// freeThreads is the number of threads for each CPU if Python executes them simultaneously.
const freeThreads = 4

// usualGreenlets are as many as connections that an app may well have to its databases and
// services.
const usualGreenlets = 200

// threadsOf returns the number of requests that each worker of a WSGI app executes at once.
func threadsOf(w *modgw.WSGI, env *modgw.Environment) int {
	if w.Threads > 0 {
		return w.Threads
	}
	if w.Concurrency == modgw.Gevent {
		return usualGreenlets
	}
	if env != nil && env.FreeThreaded {
		return max(usualThreads, freeThreads*runtime.NumCPU())
	}
	return usualThreads
}
