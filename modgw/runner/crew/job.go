package crew

import (
	"context"

	"github.com/modgw/modgw/internal/proc"
)

// Job is what one worker is there for. Its methods are called in the order in which they stand here, and those after
// Spec only when the one before it succeeded; but a process can end at any time, and End is called then, also while Ready
// or Begin run.
type Job interface {
	// Spec says what to start. The crew fills in the environment, the working directory, the user, the limits and where
	// output goes, unless they are set.
	Spec() (proc.Spec, error)

	// Ready returns nil when the worker can take requests. ctx ends when the process does.
	Ready(ctx context.Context) error

	// Begin lets requests come.
	Begin()

	// Retire lets no more requests come. The channel closes when none is left. It may be called again.
	Retire() <-chan struct{}

	// End lets go of everything: the process has ended.
	End()
}
