package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/modgw"
)

func newNginx(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nginx",
		Short: "Write nginx configuration",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFrontConfig(c, frontConfig{
		short:   "Print server blocks for apps",
		example: "  modgw-host nginx config > /etc/nginx/conf.d/modgw.conf",
		port:    "the `PORT` of the servers (default 80, with --tls 443)",
		write:   exported(export.Nginx),
	}))
	return cmd
}

// exported lets a function of export take the flags of a command.
func exported(write func([]modgw.Descriptor, []modgw.Listener, export.Options) ([]byte, error)) func([]modgw.Descriptor, []modgw.Listener, frontFlags) ([]byte, error) {
	return func(apps []modgw.Descriptor, listeners []modgw.Listener, f frontFlags) ([]byte, error) {
		options := export.Options{Port: f.port}
		if len(f.tls) == 2 {
			options.TLS = &export.TLS{Certificate: f.tls[0], Key: f.tls[1]}
		}
		return write(apps, listeners, options)
	}
}
