package process

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// places is the number of simultaneous requests of a worker; further ones wait in the queue.
// Programs that serve HTTP have no fixed number of places, so this only limits the requests that a
// hanging program can hold.
const places = 1000

// Runner runs a program that serves HTTP. It implements [modgw.Runner].
type Runner struct {
	*workers.Pool
	config  modgw.RunnerConfig
	user    *account.Account // nil: the host's own
	queue   *queue.Queue
	command []string
	network string // the network of the socket that workers inherit: "unix" or "tcp"
	strip   bool   // the mount is taken off the path
}

var (
	_ modgw.Runner   = (*Runner)(nil)
	_ modgw.Expander = (*Runner)(nil)
	_ modgw.Resizer  = (*Runner)(nil)
)

// New returns a runner for an app of kind go or http. It starts nothing.
func New(config modgw.RunnerConfig) (*Runner, error) {
	d := config.Descriptor
	r := &Runner{config: config, queue: queue.New(d.Queue).OnCrowd(config.Crowded)}
	switch {
	case d.Kind == modgw.KindGo && d.Go != nil:
		r.command = append([]string{config.Environment.Binary}, d.Go.Args...)
		r.network, r.strip = "unix", d.Go.StripMount
	case d.Kind == modgw.KindHTTP && d.HTTP != nil:
		r.command, r.network, r.strip = d.HTTP.Command, "tcp", d.HTTP.StripMount
	default:
		return nil, fmt.Errorf("cannot run an app of kind %q as a program that serves HTTP", d.Kind)
	}
	var err error
	if r.user, err = d.Account(); err != nil {
		return nil, err
	}
	r.Pool = workers.New(workers.Config{
		Runner:    config,
		User:      r.user,
		Count:     cmp.Or(config.Size, d.Scale().Min),
		NewDriver: r.newWorker,
		Sandbox:   workers.NewSandbox(config, r.user),
		Expect:    r.queue.Expect,

		CodeIsCrash: true,
		LateHint: "it must listen on the port in $PORT, or accept from the socket that it inherits as descriptor 3 (LISTEN_FDS); " +
			"when it only needs longer, raise timeouts { startup }",
	})
	return r, nil
}

// Stop implements [modgw.Runner].
func (r *Runner) Stop(ctx context.Context) {
	r.queue.Close()
	r.Pool.Stop(ctx)
}

// Status implements [modgw.Runner].
func (r *Runner) Status() modgw.RunnerStatus {
	var s modgw.RunnerStatus
	r.Pool.Status(&s)
	s.Busy, s.Capacity, s.Queued = r.queue.Counts()
	return s
}

// silent is for the proxy, whose errors the call reports.
var silent = log.New(io.Discard, "", 0)
