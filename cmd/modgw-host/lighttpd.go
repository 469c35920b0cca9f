package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
)

func newLighttpd(c console) *cobra.Command {
	return newExportFront(c, "lighttpd", export.Lighttpd, frontConfig{
		short:   "Print conditional blocks for apps",
		example: "  modgw-host lighttpd config > /etc/lighttpd/conf-available/90-modgw.conf",
		port:    "a `PORT` of their own (default: those of the main configuration, with --tls 443)",
	})
}
