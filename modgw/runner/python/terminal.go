package python

import "os"

// stdin is the standard input of workers; nil: it is empty.
func (r *Runner) stdin() *os.File {
	if t := r.config.Terminal; t != nil {
		return t.In
	}
	return nil
}

// show passes on what workers write to standard output, as it comes; nil: nobody looks.
func (r *Runner) show() func([]byte) {
	if t := r.config.Terminal; t != nil {
		return t.Out
	}
	return nil
}
