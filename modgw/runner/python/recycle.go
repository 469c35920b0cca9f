package python

// finished counts a request, and asks for the worker to be replaced when it has done enough.
func (w *worker) finished() { w.span.Finished(w.process.PID()) }
