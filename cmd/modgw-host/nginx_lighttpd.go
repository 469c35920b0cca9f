package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/modgw"
)

func newNginx(c console) *cobra.Command {
	return newExportFront(c, "nginx", export.Nginx, frontConfig{
		short:   "Print server blocks for apps",
		example: "  modgw-host nginx config > /etc/nginx/conf.d/modgw.conf",
		port:    "`PORT` of the servers (default 80, with --tls 443)",
	})
}

func newLighttpd(c console) *cobra.Command {
	return newExportFront(c, "lighttpd", export.Lighttpd, frontConfig{
		short:   "Print conditional blocks for apps",
		example: "  modgw-host lighttpd config > /etc/lighttpd/conf-available/90-modgw.conf",
		port:    "separate `PORT` (default: the ports of the main configuration, with --tls 443)",
	})
}

// newExportFront makes the command for a web server, with config below it.
func newExportFront(c console, server string, write func([]modgw.Descriptor, []modgw.Listener, export.Options) ([]byte, error), front frontConfig) *cobra.Command {
	front.write = func(_ context.Context, apps []modgw.Descriptor, listeners []modgw.Listener, f frontFlags) ([]byte, error) {
		options := export.Options{Port: f.port, HTTPPort: f.httpPort, RedirectHTTPS: f.redirect, TrustedProxies: f.proxies}
		if len(f.tls) == 2 {
			options.TLS = &export.TLS{Certificate: f.tls[0], Key: f.tls[1]}
		}
		return write(apps, listeners, options)
	}
	return group(server, "Write "+server+" configuration", newFrontConfig(c, front))
}
