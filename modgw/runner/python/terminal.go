package python

import "os"

// stdin is the standard input of workers; nil: it is empty.
func (r *Runner) stdin() *os.File {
	if t := r.app.Terminal; t != nil {
		return t.In
	}
	return nil
}

// stdout returns the function that receives the workers' standard output; nil: it is logged by
// lines.
func (r *Runner) stdout() func([]byte) {
	if t := r.app.Terminal; t != nil {
		return t.Out
	}
	return nil
}
