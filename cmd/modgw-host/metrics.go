package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw/control"
)

func newMetrics(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Print the metrics of the running host, for Prometheus",
		Long: `Print the metrics of the running host and its apps, in the format of Prometheus.
Prometheus itself asks the listener that you write into the host's file as
metrics { address = "127.0.0.1:9180" }.`,
		Example: "  modgw-host metrics | grep modgw_requests_total",
		Args:    arguments(cobra.NoArgs),
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, _ []string) error {
			return client.Metrics(cmd.Context(), c.stdout, asJSON)
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
