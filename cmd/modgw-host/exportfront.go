package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/modgw"
)

// newExportFront makes the command for a web server, with config below it.
func newExportFront(c console, server string, write func([]modgw.Descriptor, []modgw.Listener, export.Options) ([]byte, error), front frontConfig) *cobra.Command {
	front.write = func(_ context.Context, apps []modgw.Descriptor, listeners []modgw.Listener, f frontFlags) ([]byte, error) {
		options := export.Options{Port: f.port, HTTPPort: f.httpPort, RedirectHTTPS: f.redirect, TrustedProxies: f.proxies}
		if len(f.tls) == 2 {
			options.TLS = &export.TLS{Certificate: f.tls[0], Key: f.tls[1]}
		}
		return write(apps, listeners, options)
	}
	cmd := &cobra.Command{
		Use:   server,
		Short: "Write " + server + " configuration",
		Args:  commands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFrontConfig(c, front))
	return cmd
}
