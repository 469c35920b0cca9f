package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// frontConfig is a command that prints the configuration for a web server in front.
type frontConfig struct {
	short, example string
	port           string // help of --port
	// binds the flags of this web server alone; nil means none
	flags func(*cobra.Command)
	// finds mistakes in those; nil without any
	check func(*cobra.Command, *frontFlags) error
	write func(context.Context, []modgw.Descriptor, []modgw.Listener, frontFlags) ([]byte, error)
}

// frontFlags are flags that affect the virtual hosts of a web server.
type frontFlags struct {
	port     int
	tls      []string // certificate and key; empty: plain HTTP
	httpPort int      // port without TLS, in addition to that with TLS; 0: none
	redirect bool     // from httpPort, or from 80, to the port with TLS

	// folder with a certificate for each host, where the web server's configuration can have that
	certificates string

	proxies []netip.Prefix // trusted proxies of the host
}

// check returns the mistake in a set of flags.
func (f *frontFlags) check(command string) error {
	switch {
	case len(f.tls) != 0 && len(f.tls) != 2:
		return &usageError{command, "cannot use --tls: it takes a certificate and a key: --tls CERT,KEY"}
	case len(f.tls) == 0 && f.certificates == "" && (f.httpPort != 0 || f.redirect):
		return &usageError{command, "cannot use --http-port and --redirect-https without --tls CERT,KEY"}
	}
	if f.redirect && f.httpPort == 0 {
		f.httpPort = 80
	}
	return nil
}

func newFrontConfig(c console, front frontConfig) *cobra.Command {
	var s settings
	var targets []string
	var f frontFlags
	cmd := &cobra.Command{
		Use:     "config [APP…]",
		Short:   front.short,
		Example: front.example,
		RunE: func(cmd *cobra.Command, names []string) error {
			if front.check != nil {
				if err := front.check(cmd, &f); err != nil {
					return err
				}
			}
			if err := f.check(cmd.CommandPath()); err != nil {
				return err
			}
			found, err := s.find(cmd.Context(), targets)
			if err != nil {
				return err
			}
			if err := found.choose(names); err != nil {
				c.mistakes(found)
				return err
			}
			listeners, err := s.listeners(cmd)
			if err != nil {
				return err
			}
			if f.proxies, err = s.trustedProxies(); err != nil {
				return err
			}
			text, err := front.write(cmd.Context(), found.apps, listeners, f)
			if err != nil {
				return err
			}
			if _, err := c.stdout.Write(text); err != nil {
				return err
			}
			if found.diagnostics == "" {
				return nil
			}
			c.mistakes(found)
			return exitCode(exitFailed)
		},
	}
	s.bind(cmd)
	if front.flags != nil {
		front.flags(cmd)
	}
	bindTargetFlag(cmd, &targets)
	cmd.Flags().IntVar(&f.port, "port", 0, front.port)
	cmd.Flags().StringSliceVar(&f.tls, "tls", nil, "serve TLS with `CERT,KEY`")
	cmd.Flags().IntVar(&f.httpPort, "http-port", 0, "with TLS: also serve `PORT` without TLS")
	cmd.Flags().BoolVar(&f.redirect, "redirect-https", false, "with TLS: redirect --http-port (default 80) to TLS instead of serving it")
	return cmd
}

// mistakes prints the mistakes of apps that are missing from the result, or differ from their
// descriptors.
func (c console) mistakes(f found) {
	if f.diagnostics != "" {
		fmt.Fprintf(c.stderr, "%s\napps are missing, or differ from their descriptors\n", strings.TrimRight(f.diagnostics, "\n"))
	}
}

// trustedProxies returns the trusted proxies of the host file.
func (s *settings) trustedProxies() ([]netip.Prefix, error) {
	h, err := s.host()
	if err != nil {
		return nil, err
	}
	return h.TrustedProxies(), nil
}

// listeners returns the listeners that a web server can use: those of the running host, or else
// those of the host file.
func (s *settings) listeners(cmd *cobra.Command) ([]modgw.Listener, error) {
	status, err := s.status(cmd.Context())
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
