package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

func newApacheRun(c console) *cobra.Command {
	var f serveFlags
	var a apache.RunConfig
	cmd := &cobra.Command{
		Use:   "run [TARGET…]",
		Short: "Run the host and a private Apache in front of it, without root",
		Long: `Run the host and, in front of it, an Apache with a private configuration. It
listens on --port, uses none of the system's configuration, and ends with
Ctrl-C.`,
		Example: "  modgw-host apache run examples/two-sites --port 8080",
		RunE: func(cmd *cobra.Command, targets []string) error {
			return hosting(c, f.logFormat, func(c console) error { return f.runBehindApache(cmd, c, a, targets) })
		},
	}
	f.bind(cmd)
	cmd.Flags().Lookup("state").Usage += "; without a host file: one for each project, below " + string(ownProjects())
	cmd.Flags().IntVar(&a.Port, "port", 8080, "`PORT` that Apache listens on")
	cmd.Flags().StringVar(&a.Address, "address", "127.0.0.1", "`ADDRESS` that Apache listens on")
	cmd.Flags().StringVar(&a.Program, "httpd", "", "`PATH` of Apache's program (default: the first one found)")
	cmd.Flags().StringVar(&a.AccessLog, "access-log", "", "write Apache's access log to `FILE`")
	return cmd
}

func (f *serveFlags) runBehindApache(cmd *cobra.Command, c console, a apache.RunConfig, targets []string) error {
	config, err := f.config(cmd, c, targets)
	if err != nil {
		return err
	}
	if config.State == "" && config.File == "" {
		if config.State, err = ownProjects().state(config.Targets[0]); err != nil {
			return err
		}
	}
	return runApache(cmd.Context(), config, a, len(f.listen) > 0, func() {})
}

// apacheFolder is the folder of a host's own Apache, in the state folder.
const apacheFolder = "apache"

// runApache runs the host and Apache until ctx is done or one of them ends. Apache starts when the
// first app is ready, or when all have failed; requests for the other apps wait in the host. The
// host opens private sockets for Apache, in addition to the listeners in its file or, if listens is
// set, on the command line. up is called when the first deploy of every app has ended.
func runApache(ctx context.Context, config host.Config, a apache.RunConfig, listens bool, up func()) error {
	probe, err := host.New(config)
	if err != nil {
		return err
	}
	state, err := filepath.Abs(probe.State())
	if err != nil {
		return err
	}
	if !listens && config.File == "" {
		config.Listeners = nil
	}
	config.Further = frontSockets(state)
	a.Dir, a.Log, a.Listeners = filepath.Join(state, apacheFolder), config.Log, config.Further
	server := apache.New(a)
	if err := server.Prepare(ctx); err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var apacheErr error
	config.Changed = func(apps []modgw.Descriptor) {
		if err := server.Reload(ctx, apps); err != nil {
			config.Log.Error("apache keeps its configuration", "error", err.Error())
		}
	}
	start := sync.OnceFunc(func() {
		running.Go(func() {
			defer cancel()
			apacheErr = server.Run(ctx)
		})
	})
	observe := config.Observe
	config.Observe = func(e modgw.Event) {
		if e.Serving != 0 {
			start()
		}
		if observe != nil {
			observe(e)
		}
	}
	hostErr := runHost(ctx, config, func() {
		start()
		up()
	})
	cancel()
	running.Wait()
	return errors.Join(hostErr, apacheErr)
}

// frontSockets are where the host listens for an Apache that is its own: FastCGI, and HTTP for
// WebSockets. Apache's user may open them and no other.
func frontSockets(state string) []modgw.Listener {
	mode, group := uint32(0o600), ""
	if os.Getuid() == 0 {
		mode = 0o660
		_, group = apache.Account()
	}
	var sockets []modgw.Listener
	for _, kind := range []string{"fastcgi", "http"} {
		address := modgw.Address("unix:" + filepath.Join(state, kind+".sock"))
		sockets = append(sockets, modgw.Listener{Kind: kind, Address: address, Mode: mode, Group: group})
	}
	return sockets
}
