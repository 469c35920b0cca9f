package workers

import (
	"errors"
	"syscall"
)

// Stop is the default of a [Driver] whose process ends on SIGTERM.
func (w *Worker) Stop() { w.process.Signal(syscall.SIGTERM) }

// LastWords is the default of a [Driver] whose process cannot report anything.
func (w *Worker) LastWords() {}

// Explain is the default of a [Driver] that starts a program of the app.
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

// Instead is the default of a [Driver] that has one way to start.
func (w *Worker) Instead(error) func(*Worker) Driver { return nil }
