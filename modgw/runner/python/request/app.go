package request

import (
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/spool"
)

// App is the runner of an app, as its requests need it.
type App struct {
	modgw.RunnerConfig
	Pool *workers.Pool // its workers

	// ConnLoop watches the connections to the workers. It is Loop where requests are served on
	// that. Set before workers are started.
	ConnLoop *eventloop.Loop

	// Bodies keeps bodies of requests where workers can read them; nil: nothing does. Set before
	// workers are started.
	Bodies *spool.Area

	// Attached means that workers attach. No request is repeated then: the developer may be at a
	// breakpoint in it.
	Attached bool

	// Unplaced explains why a request got no worker; nil: the error is sufficient.
	Unplaced func(error) error
}

// Deadline is when the time of a request that begins now is up; zero: never.
func (a *App) Deadline() time.Time {
	if limit := a.Descriptor.Timeouts.Request; limit > 0 {
		return time.Now().Add(limit)
	}
	return time.Time{}
}
