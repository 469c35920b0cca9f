package modgw

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/account"
)

// Generation is one running build of an app. It is never changed, only replaced.
type Generation struct {
	Number      int           // counts the app's generations from 1
	Descriptor  Descriptor    // descriptor it was made from
	Environment *Environment  // environment it runs in
	Cause       string        // why it was made: "start", "views.py changed"
	Ready       time.Time     // when it took over
	Took        time.Duration // from the beginning of its deploy until then

	output  *heldOutput // output during its start; nil: the log has it at once
	runner  Runner
	user    *account.Account // user with whose rights the app's files are opened
	aliases []aliasSite
	endless Endless

	inherits bool // its first workers may be another host's

	// users counts the requests in flight; drained closes when none is left after retire.
	users     atomic.Int64
	drained   chan struct{}
	ended     chan struct{} // closes when it has drained and its workers are gone
	drainOnce sync.Once     // a begin that comes too late leaves like the last request
}

const (
	// retired is added to users when no request may begin any more.
	retired = 1 << 62

	// asleep is added to users while its processes are frozen, or are about to be.
	asleep = 1 << 61
)

// countIn counts a request in. It reports false when the generation has been replaced, or sleeps;
// ask the app again then.
func (g *Generation) countIn() bool {
	if g.users.Add(1) < asleep {
		return true
	}
	g.countOut()
	return false
}

// fallAsleep lets no further request begin until wakeUp. It reports false when there are some.
func (g *Generation) fallAsleep() bool { return g.users.CompareAndSwap(0, asleep) }

// wakeUp lets requests begin again.
func (g *Generation) wakeUp() { g.users.Add(-asleep) }

// countOut counts a request out.
func (g *Generation) countOut() {
	if g.users.Add(-1) == retired {
		g.drainOnce.Do(func() { close(g.drained) })
	}
}

// expand starts the workers that the generation did without so that it could answer soon, or while
// the one before it had not ended, unless it has been replaced itself.
func (g *Generation) expand() {
	if e, ok := g.runner.(Expander); ok && g.countIn() {
		defer g.countOut()
		e.Expand()
	}
}

func (g *Generation) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), g.Descriptor.Timeouts.Stop)
	defer cancel()
	g.runner.Stop(ctx)
}
