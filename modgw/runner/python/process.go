package python

import (
	"syscall"

	"github.com/modgw/modgw/internal/proc"
)

// process is what a worker runs in: one that the host has started or had forked, or one that somebody else has and that
// was attached.
type process interface {
	// PID is its id.
	PID() int

	// Done closes when it has ended, for the host at least.
	Done() <-chan struct{}

	// Exit says how it ended, after Done.
	Exit() proc.Exit

	// Kill ends it by force.
	Kill()

	// SignalLeader sends a signal to it alone.
	SignalLeader(syscall.Signal)
}

var (
	_ process = (*proc.Process)(nil)
	_ process = (*guest)(nil)
)
