package main

import (
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

func newRun(c console) *cobra.Command {
	var f serveFlags
	var app string
	cmd := &cobra.Command{
		Use:   "run --app NAME [TARGET…]",
		Short: "Run one app in the foreground, for systemd, containers and schedulers",
		Long: `Run one app in the foreground, without watching its files. The host listens at
--listen, on the sockets that systemd passes (LISTEN_FDS, named after their
protocol), or at 127.0.0.1:$PORT; without these, at the listeners of its file or
at 127.0.0.1:8000. It logs the addresses. In a container, use
--listen http=0.0.0.0:8000 to let others connect.`,
		RunE: func(cmd *cobra.Command, targets []string) error {
			if app == "" {
				return &usageError{cmd.CommandPath(), "cannot run an app without its name: say which with --app NAME"}
			}
			return hosting(c, f.logFormat, func(c console) error { return f.runApp(cmd, c, modgw.AppName(app), targets) })
		},
	}
	f.bind(cmd)
	cmd.Flags().Lookup("state").Usage = "state folder `DIR` (default " + filepath.Join(host.DefaultState(os.Getuid()), "run", "NAME") + ")"
	cmd.Flags().StringVar(&app, "app", "", "`NAME` of the app")
	return cmd
}

func (f *serveFlags) runApp(cmd *cobra.Command, c console, app modgw.AppName, targets []string) error {
	config, err := f.config(cmd, c, targets)
	if err != nil {
		return err
	}
	config.Only, config.Unwatched = app, true
	if config.State == "" {
		// Each app that runs alone has its own host, and a state folder belongs to one host. The
		// environments are shared: env build made them.
		config.Environments = host.DefaultState(os.Getuid())
		config.State = filepath.Join(config.Environments, "run", string(app))
	}
	if len(f.listen) == 0 {
		if err := inherit(&config); err != nil {
			return err
		}
	}
	return c.runUpgradable(cmd.Context(), config)
}

// inherit makes the host listen where its parent wants: on sockets that are open already,
// or on $PORT of the loopback interface.
func inherit(config *host.Config) error {
	if err := adopt(config); err != nil || len(config.Sockets) > 0 {
		return err
	}
	if port := os.Getenv("PORT"); port != "" {
		address, err := modgw.ParseAddress(net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return err
		}
		config.Listeners = []modgw.Listener{{Kind: "http", Address: address}}
	}
	return nil
}
