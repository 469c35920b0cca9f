package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
)

func newNginx(c console) *cobra.Command {
	return newExportFront(c, "nginx", export.Nginx, frontConfig{
		short:   "Print server blocks for apps",
		example: "  modgw-host nginx config > /etc/nginx/conf.d/modgw.conf",
		port:    "the `PORT` of the servers (default 80, with --tls 443)",
	})
}
