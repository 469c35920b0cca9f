package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// frontConfig is a command that prints the configuration for a web server in front.
type frontConfig struct {
	short, example string
	port           string // help of --port
	write          func([]modgw.Descriptor, []modgw.Listener, frontFlags) ([]byte, error)
}

// frontFlags say what the web server's virtual hosts are like.
type frontFlags struct {
	port int
	tls  []string // certificate and key; empty: plain HTTP
}

func newFrontConfig(c console, front frontConfig) *cobra.Command {
	var s settings
	var targets []string
	var f frontFlags
	cmd := &cobra.Command{
		Use:     "config [APP…]",
		Short:   front.short,
		Example: front.example,
		RunE: func(cmd *cobra.Command, apps []string) error {
			if len(f.tls) != 0 && len(f.tls) != 2 {
				return &usageError{cmd.CommandPath(), "cannot use --tls: it takes a certificate and a key: --tls CERT,KEY"}
			}
			all, err := s.descriptors(cmd.Context(), targets)
			if err != nil {
				return err
			}
			listeners, err := s.listeners(cmd)
			if err != nil {
				return err
			}
			text, err := front.write(chosen(all, apps), listeners, f)
			if err != nil {
				return err
			}
			_, err = c.stdout.Write(text)
			return err
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` whose apps are meant (repeatable)")
	cmd.Flags().IntVar(&f.port, "port", 0, front.port)
	cmd.Flags().StringSliceVar(&f.tls, "tls", nil, "serve TLS with `CERT,KEY`")
	return cmd
}

// listeners are those of the host that runs, or without one those of the host file, that a web server can be put in front of.
func (s *settings) listeners(cmd *cobra.Command) ([]modgw.Listener, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	status, err := client.Status(cmd.Context())
	if errors.Is(err, control.ErrNoHost) {
		h, err := s.host()
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(h.Listeners()), modgw.Listener.Public), nil
	}
	if err != nil {
		return nil, err
	}
	var all []modgw.Listener
	for _, l := range status.Listeners {
		if !l.Public {
			all = append(all, modgw.Listener{Kind: l.Kind, Address: l.Address})
		}
	}
	return all, nil
}
