package workers

import (
	"errors"
	"syscall"
)

// Stop is that of a [Program] whose process ends when it gets SIGTERM.
func (w *Worker) Stop() { w.process.Signal(syscall.SIGTERM) }

// LastWords is that of a [Program] whose process has nothing to say.
func (w *Worker) LastWords() {}

// Explain is that of a [Program] that starts a program of the app's.
func (w *Worker) Explain(err error) error {
	switch c := w.pool; {
	case errors.Is(err, ErrLate):
		return c.startedTooLong(w)
	case errors.Is(err, ErrEnded), w.process != nil && w.ends(deathTime):
		return c.endedEarly(w)
	default:
		return c.notStarted(err)
	}
}

// Instead is that of a [Program] that knows one way to start.
func (w *Worker) Instead(error) func(*Worker) Program { return nil }
