package workers

import (
	"context"
	"errors"
)

// RunAttached keeps an attached worker from its start to its end. The pool neither ends nor
// replaces it.
func (p *Pool) RunAttached(number int, newDriver func(*Worker) Driver) {
	w := p.newWorker(number, newDriver)
	w.attached = true
	if err := p.prepare(context.Background(), w, false); err != nil {
		if !errors.Is(err, errStopped) {
			p.logFailure(number, err)
		}
		return
	}
	select {
	case <-w.process.Done():
	case <-p.halt:
		p.end(w)
	}
}
