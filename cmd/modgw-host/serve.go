package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/cmd/modgw-host/internal/ballast"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// serveFlags are the flags of the commands that run a host.
type serveFlags struct {
	settings
	listen    []string
	logFormat string
}

func (f *serveFlags) bind(cmd *cobra.Command) {
	f.bindWithTargetArgs(cmd)
	cmd.Flags().StringArrayVar(&f.listen, "listen", nil, "listen at `KIND=ADDRESS`, such as http=127.0.0.1:8000 or fastcgi=unix:/run/modgw/modgw.sock (repeatable)")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "text", "`FORMAT` of the log: text or json")
}

func newServe(c console) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve [TARGET…]",
		Short: "Run the host",
		Long: `Run the host with the apps of its own file, or with TARGETs: descriptors,
folders of descriptors, or app entries (app.wsgi, package.module:callable, a
project folder). Without --listen, the host also uses the sockets that systemd
passes (LISTEN_FDS), with the settings of the listen block of the same address.`,
		Example: "  modgw-host serve blog.hcl --listen http=127.0.0.1:8000\n  modgw-host serve -c /etc/modgw/modgw.hcl",
		RunE: func(cmd *cobra.Command, targets []string) error {
			return hosting(c, f.logFormat, func(c console) error { return f.serve(cmd, c, targets) })
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *serveFlags) serve(cmd *cobra.Command, c console, targets []string) error {
	config, err := f.config(cmd, c, targets)
	if err != nil {
		return err
	}
	if len(f.listen) == 0 {
		if err := adopt(&config); err != nil {
			return err
		}
	}
	return c.runUpgradable(cmd.Context(), config)
}

// config returns the configuration that the flags and targets ask for.
func (f *serveFlags) config(cmd *cobra.Command, c console, targets []string) (host.Config, error) {
	log, err := c.logger(f.logFormat)
	if err != nil {
		return host.Config{}, &usageError{cmd.CommandPath(), err.Error()}
	}
	state := f.state
	if state != "" { // other processes get it, and run in other folders
		if state, err = filepath.Abs(state); err != nil {
			return host.Config{}, err
		}
	}
	config := host.Config{
		File:    f.hostFileFor(targets),
		Targets: targets,
		State:   state,
		Control: modgw.Address(f.control),
		Vars:    f.vars,
		Version: version(),
		Log:     log,
	}
	if config.File == "" && len(targets) == 0 {
		config.Targets = []string{"."}
	}
	for _, text := range f.listen {
		l, err := parseListen(text)
		if err != nil {
			return config, &usageError{cmd.CommandPath(), err.Error()}
		}
		config.Listeners = append(config.Listeners, l)
	}
	if config.File == "" && len(config.Listeners) == 0 {
		config.Listeners = []modgw.Listener{{Kind: "http", Address: "127.0.0.1:8000"}}
	}
	return config, nil
}

// parseListen reads KIND=ADDRESS.
func parseListen(text string) (modgw.Listener, error) {
	kind, address, ok := strings.Cut(text, "=")
	if !ok {
		kind, address = "http", text
	}
	a, err := modgw.ParseAddress(address)
	return modgw.Listener{Kind: kind, Address: a}, err
}

// runHost runs a host until ctx is done, reloads everything at SIGHUP, and keeps systemd informed.
// ready is called when all apps are up.
func runHost(ctx context.Context, config host.Config, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var h *host.Host
	var keeping sync.WaitGroup
	config.Ready = func() {
		notify(daemon.SdNotifyReady)
		keeping.Go(func() { feedWatchdog(ctx, func() { h.Status() }) })
		ready()
	}
	err := proc.Seal()
	if err != nil {
		config.Log.Debug("inherited descriptors are not kept from apps", "error", err.Error())
	}
	config.Loops = host.LoopsFor(runtime.GOMAXPROCS(0))
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + config.Loops)
		config.Naps = true
	}
	if h, err = host.New(config); err != nil {
		return err
	}
	keeping.Go(func() { ballast.Keep(ctx) })
	keeping.Go(func() {
		<-ctx.Done()
		if !h.IsReplaced() { // else the service goes on
			notify(daemon.SdNotifyStopping)
		}
	})
	onSignal(ctx, &keeping, syscall.SIGHUP, func() {
		// Failures are logged and shown by status, app by app.
		_ = h.Reload(ctx, "")
	})
	onSignal(ctx, &keeping, syscall.SIGUSR1, h.ReopenLogs)
	// it logs failures
	onSignal(ctx, &keeping, syscall.SIGUSR2, func() { _, _ = h.Upgrade(ctx, "") })
	err = h.Run(ctx)
	cancel()
	keeping.Wait()
	return err
}

// onSignal calls f at each signal until ctx is done, on a goroutine of the group. A signal that
// comes after onSignal has returned does not end this process.
func onSignal(ctx context.Context, group *sync.WaitGroup, s os.Signal, f func()) {
	came := make(chan os.Signal, 1)
	signal.Notify(came, s)
	group.Go(func() {
		defer signal.Stop(came)
		for {
			select {
			case <-ctx.Done():
				return
			case <-came:
				f()
			}
		}
	})
}
