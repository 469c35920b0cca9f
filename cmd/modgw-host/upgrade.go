package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
	"github.com/modgw/modgw/modgw/upgrade"
)

func newUpgrade(c console) *cobra.Command {
	var s settings
	var limit time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "upgrade [BINARY]",
		Short: "Replace the program of the running host without losing a request",
		Long: `Replace the program of the running host without losing a request. The host
starts BINARY, which may be an older version (default: the program that is now
at the path of the host's program). The new host reads the same files and
prepares the apps, with the running workers if it can. When all apps serve, it
takes over the sockets, the connections and these workers. If BINARY does not
start, or cannot serve an app that serves now, nothing changes. BINARY must
belong to root or to the host's user, and only administrators may upgrade the
host.`,
		Example: "  modgw-host upgrade\n  modgw-host upgrade /usr/local/bin/modgw-host-next",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			program := ""
			if len(args) > 0 {
				var err error
				if program, err = filepath.Abs(args[0]); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), limit, fmt.Errorf("the new host was not ready within %s", limit))
			defer cancel()
			done, err := client.Upgrade(ctx, program)
			switch {
			case err != nil && ctx.Err() != nil:
				return fmt.Errorf("cannot upgrade the host, which goes on as before: %w", context.Cause(ctx))
			case err != nil:
				return err
			case asJSON:
				return c.json(done)
			}
			_, err = fmt.Fprintf(c.stdout, "version %s serves as pid %d in place of version %s, after %s, with %d of %d workers\n",
				done.Version, done.PID, done.From, done.Took.Round(time.Millisecond), done.Kept, done.Workers)
			return err
		}),
	}
	s.bind(cmd)
	cmd.Flags().DurationVar(&limit, "timeout", 10*time.Minute, "give up if the new host is not ready after `TIME`; building environments can take long")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// runUpgradable is runHost for a host that can be upgraded, and that may replace another one.
func (c console) runUpgradable(ctx context.Context, config host.Config) error {
	p, err := upgrade.Inherited(config.Version)
	if err != nil {
		return err
	}
	if p == nil {
		c.letUpgrade(&config)
		return runHost(ctx, config, func() {})
	}
	defer p.Leave()
	if err = succeed(&config, p); err == nil {
		c.letUpgrade(&config)
		err = runHost(ctx, config, func() {})
	}
	if err != nil {
		p.Refuse(err)
	}
	return err
}

// letUpgrade lets a host be upgraded.
func (c console) letUpgrade(config *host.Config) {
	f := c.follower
	if f == nil {
		return
	}
	launch := f.launch()
	config.Launch = &launch
	config.Replaced = func(pid int) {
		f.replaced(pid)
		// The watchdog gets a fresh interval for the new host to begin in.
		notify(fmt.Sprintf("MAINPID=%d\n%s", pid, daemon.SdNotifyWatchdog))
	}
}

// succeed prepares the configuration of a host that replaces another one.
func succeed(config *host.Config, p *upgrade.Predecessor) error {
	config.Predecessor = p
	nameProcess()
	if os.Getenv("WATCHDOG_PID") == strconv.Itoa(p.State().PID) {
		_ = os.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	}
	var failed error
	for _, s := range p.TakePassed() {
		ln, err := s.Listener()
		failed = errors.Join(failed, err)
		config.Sockets = append(config.Sockets, host.Socket{Kind: s.Kind, Name: s.Name, Listener: ln})
		config.Listeners = nil
	}
	return failed
}
