package crew

import (
	"context"
	"errors"
)

// Host keeps a worker that came by itself, and whose end is its own affair, from its start to its end: nothing replaces it.
func (c *Crew) Host(number int, newJob func(*Worker) Job) {
	w := c.newWorker(number, newJob)
	w.guest = true
	if err := c.prepare(context.Background(), w, false); err != nil {
		if !errors.Is(err, errStopped) {
			c.logFailure(number, err)
		}
		return
	}
	select {
	case <-w.process.Done():
	case <-c.halt:
		c.end(w)
	}
}
