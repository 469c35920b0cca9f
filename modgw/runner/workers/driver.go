package workers

import (
	"context"

	"github.com/modgw/modgw/modgw"
)

// Driver starts the process of one worker, gives it requests and ends it, in the way of its runner.
// A driver embeds its [Worker], whose methods Stop, LastWords, Explain and Instead are useful
// defaults.
//
// Launch, Ready, Begin and Retire are called in this order, each only if the previous one
// succeeded. But a process can end at any time. Then End is called, possibly while Ready or Begin
// run.
type Driver interface {
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

	// Stop tells the process to end. Retire was called before.
	Stop()

	// LastWords lets a process that has not ended in time report the reason. It is killed when
	// LastWords returns.
	LastWords()

	// End lets go of everything: the process has ended.
	End()

	// Explain returns the reason why the worker was not started, for the log and for waiting
	// callers. err is the error of Launch or Ready, [ErrEnded] or [ErrLate]. The process may still
	// run.
	Explain(err error) error

	// Instead returns the driver of another worker, which may start although this one did not,
	// because of the reason that Explain has returned. nil: there is no other way.
	Instead(err error) func(*Worker) Driver
}

// Measured is a [Driver] whose process measures itself.
type Measured interface {
	// Interpreter reports how long the interpreter has kept requests waiting; nil: unknown. It does
	// not wait for the process.
	Interpreter() *modgw.InterpreterStatus
}
