package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
)

func newLighttpd(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lighttpd",
		Short: "Write lighttpd configuration",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFrontConfig(c, frontConfig{
		short:   "Print conditional blocks for apps",
		example: "  modgw-host lighttpd config > /etc/lighttpd/conf-available/90-modgw.conf",
		port:    "a `PORT` of their own (default: those of the main configuration, with --tls 443)",
		write:   exported(export.Lighttpd),
	}))
	return cmd
}
