package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func newApache(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apache",
		Short: "Write, check and run Apache configuration",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newApacheConfig(c))
	return cmd
}

func newApacheConfig(c console) *cobra.Command {
	var s settings
	var targets []string
	var port int
	var tls []string
	cmd := &cobra.Command{
		Use:     "config [APP…]",
		Short:   "Print virtual hosts for apps",
		Example: "  modgw-host apache config > /etc/apache2/sites-available/modgw.conf",
		RunE: func(cmd *cobra.Command, apps []string) error {
			all, err := s.descriptors(cmd.Context(), targets)
			if err != nil {
				return err
			}
			listeners, err := s.listeners(cmd)
			if err != nil {
				return err
			}
			options := apache.Options{Port: port}
			switch len(tls) {
			case 0:
			case 2:
				options.TLS = &apache.TLS{Certificate: tls[0], Key: tls[1]}
			default:
				return &usageError{cmd.CommandPath(), "--tls takes a certificate and a key: --tls CERT,KEY"}
			}
			text, err := apache.Config(chosen(all, apps), listeners, options)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%s", text)
			return err
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` whose apps are meant (repeatable)")
	cmd.Flags().IntVar(&port, "port", 0, "the `PORT` of the virtual hosts (default 80, with --tls 443)")
	cmd.Flags().StringSliceVar(&tls, "tls", nil, "serve TLS with `CERT,KEY`")
	return cmd
}

// listeners are those of the host that runs, or without one those of the host file.
func (s *settings) listeners(cmd *cobra.Command) ([]modgw.Listener, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	status, err := client.Status(cmd.Context())
	if errors.Is(err, control.ErrNoHost) {
		h, err := s.host(nil)
		if err != nil {
			return nil, err
		}
		return h.Listeners(), nil
	}
	if err != nil {
		return nil, err
	}
	var all []modgw.Listener
	for _, l := range status.Listeners {
		all = append(all, modgw.Listener{Kind: l.Kind, Address: l.Address})
	}
	return all, nil
}
