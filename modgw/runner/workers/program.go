package workers

import (
	"context"

	"github.com/modgw/modgw/modgw"
)

// Program is what one worker is there for. A program embeds its [Worker], whose methods Stop,
// LastWords, Explain and Instead are what is usual for programs.
//
// Launch, Ready, Begin and Retire are called in this order, each only when the one before it
// succeeded; but a process can end at any time, and End is called then, also while Ready or Begin
// run.
type Program interface {
	// Launch starts the process, or has it started. After an error nothing of it may be left.
	Launch() (Process, error)

	// Ready returns when the worker can take requests, with attributes for the log. ctx ends when
	// the process does.
	Ready(ctx context.Context) ([]any, error)

	// Begin lets requests come.
	Begin()

	// Retire lets no more requests come. The channel closes when none is left. It may be called
	// again.
	Retire() <-chan struct{}

	// Stop tells the process to end. Retire was called.
	Stop()

	// LastWords lets a process that has not ended in time tell why. It is killed when this returns.
	LastWords()

	// End lets go of everything: the process has ended.
	End()

	// Explain says why the worker was not started, for the log and for those who wait: err is what
	// Launch or Ready has returned, [ErrEnded] or [ErrLate]. The process may still run.
	Explain(err error) error

	// Instead makes the program of another worker that may start although this one, because of what
	// Explain has said, did not. nil: there is no other way.
	Instead(err error) func(*Worker) Program
}

// Measured is a [Program] whose process measures itself.
type Measured interface {
	// Interpreter says how the interpreter has kept requests waiting; nil: nothing is known. It
	// does not wait for the process.
	Interpreter() *modgw.InterpreterStatus
}
