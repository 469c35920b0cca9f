package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// devFlags are the flags of dev, in addition to the flags of every command that runs a host.
type devFlags struct {
	serveFlags
	apache  bool
	port    int // 0: 8000, with Apache 8080
	private apache.RunConfig
	still   bool
	verbose bool
	debug   bool
}

func newDev(c console) *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [TARGET]",
		Short: "Run an app while you develop it: reload at each save, errors in the browser",
		Long: `Run the app of a folder, a descriptor or an entry, at http://127.0.0.1:8000/.
When you save a change, the host loads it: requests wait for the new code, and
open pages update by themselves. The browser shows errors with their traceback.
Use dev only on your own machine: error pages show source code to anyone who can
reach the address.`,
		Example: "  modgw-host dev\n  modgw-host dev examples/flask --port 8001\n  modgw-host dev --apache --port 8080",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, targets []string) error {
			if len(targets) == 0 {
				targets = []string{"."}
			}
			return hosting(c, f.logFormat, func(c console) error { return f.run(cmd, c, targets) })
		},
	}
	f.bind(cmd)
	cmd.Flags().Lookup("config").Usage = "the host's own `FILE` (default: none)"
	cmd.Flags().Lookup("state").Usage = "state folder `DIR` (default: one for each project, below " + string(ownProjects()) + ")"
	cmd.Flags().BoolVar(&f.still, "no-live-reload", false, "do not update the pages that are open in browsers")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print the ordinary log, as serve does")
	cmd.Flags().BoolVar(&f.debug, "debugger", false, "let breakpoint() in the app use this terminal (default: if dev runs in a terminal)")
	cmd.Flags().BoolVar(&f.apache, "apache", false, "run a private Apache in front, as apache run does")
	cmd.Flags().IntVar(&f.port, "port", 0, "listen on `PORT` of 127.0.0.1 (default 8000, with --apache 8080)")
	return cmd
}

func (f *devFlags) run(cmd *cobra.Command, c console, targets []string) error {
	if err := f.choosePort(cmd); err != nil {
		return err
	}
	config, err := f.config(cmd, c, targets)
	if err != nil {
		return err
	}
	config.Dev = &host.Development{Still: f.still}
	if config.State == "" {
		if config.State, err = ownProjects().state(targets[0]); err != nil {
			return err
		}
	}
	if !cmd.Flags().Changed("debugger") {
		f.debug = c.interactive()
	}
	ready := func() {}
	if !f.verbose && !cmd.Flags().Changed("log-format") {
		files, _ := f.load(targets, loader.Held{}) // the host reports mistakes
		t := newTerminal(cmd.Context(), c, config, descriptorsOf(files))
		t.raw = f.debug
		if f.apache {
			t.url = fmt.Sprintf("http://127.0.0.1:%d/", f.private.Port)
		}
		config.Log, config.Observe, ready = t.logger(), t.observe, t.greet
	}
	if !f.debug {
		return f.runHost(cmd.Context(), config, ready)
	}
	return withDebugger(cmd.Context(), c, func(ctx context.Context, t *modgw.Terminal) error {
		config.Dev.Terminal = t
		return f.runHost(ctx, config, ready)
	})
}

// choosePort makes --port the port of Apache, or else of the host.
func (f *devFlags) choosePort(cmd *cobra.Command) error {
	switch {
	case f.port < 0 || f.port > 65535:
		return &usageError{cmd.CommandPath(), fmt.Sprintf("cannot listen on port %d: ports are 1 to 65535", f.port)}
	case f.apache:
		f.private.Port = cmp.Or(f.port, 8080)
	case f.port != 0 && len(f.listen) > 0:
		return &usageError{cmd.CommandPath(), "cannot use both --port and --listen: give one of them"}
	case f.port != 0:
		f.listen = []string{fmt.Sprintf("http=127.0.0.1:%d", f.port)}
	}
	return nil
}

// runHost runs the host, with an Apache in front if that is wanted.
func (f *devFlags) runHost(ctx context.Context, config host.Config, ready func()) error {
	if f.apache {
		f.private.Address = "127.0.0.1"
		return runApache(ctx, config, f.private, len(f.listen) > 0, ready)
	}
	return portTaken(runHost(ctx, config, ready))
}
