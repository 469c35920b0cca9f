package python

import "runtime"

// usualThreads is that of mod_wsgi-express: apps wait for databases more than they compute.
const usualThreads = 5

// freeThreads is how many threads there are for each CPU where Python executes them at the same time.
const freeThreads = 4

// threads is how many requests each worker executes at once.
func (r *Runner) threads() int {
	if n := r.config.Descriptor.WSGI.Threads; n > 0 {
		return n
	}
	if r.config.Environment.FreeThreaded {
		return max(usualThreads, freeThreads*runtime.NumCPU())
	}
	return usualThreads
}
