package python

import (
	"runtime"

	"github.com/modgw/modgw/modgw"
)

// usualThreads is that of mod_wsgi-express: apps wait for databases more than they compute.
const usualThreads = 5

// freeThreads is how many threads there are for each CPU where Python executes them at the same
// time.
const freeThreads = 4

// usualGreenlets are as many as connections that an app may well have to its databases and
// services.
const usualGreenlets = 200

// threadsOf is how many requests each worker of a WSGI app executes at once.
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
