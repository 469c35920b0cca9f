package python

import "os"

// stdin is the standard input of workers; nil: it is empty.
func (r *Runner) stdin() *os.File {
	if t := r.app.Terminal; t != nil {
		return t.In
	}
	return nil
}

// stdout takes what workers write to standard output, as it comes; nil: it is logged by lines.
func (r *Runner) stdout() func([]byte) {
	if t := r.app.Terminal; t != nil {
		return t.Out
	}
	return nil
}
