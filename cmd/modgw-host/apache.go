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
	cmd.AddCommand(newApacheConfig(c), newApacheCheck(c), newApacheRun(c))
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

func newApacheCheck(c console) *cobra.Command {
	var s settings
	var targets []string
	var asJSON bool
	var program string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check whether the installed Apache can serve the apps, and say how to mend what is missing",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := s.descriptors(cmd.Context(), targets)
			if err != nil {
				return err
			}
			listeners, err := s.listeners(cmd)
			if err != nil {
				return err
			}
			found, err := apache.Check(cmd.Context(), apache.CheckConfig{Program: program, Apps: all, Listeners: listeners})
			if err != nil {
				return err
			}
			if asJSON {
				err = c.json(found)
			} else {
				err = c.findings(found)
			}
			if err == nil && len(found) > 0 && found[0].Level == apache.Problem {
				return exitCode(exitFailed)
			}
			return err
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` whose apps are meant (repeatable)")
	cmd.Flags().StringVar(&program, "httpd", "", "`PATH` of Apache's program (default: the first that is found)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// findings prints what a check found, each with the way to mend it below.
func (c console) findings(found []apache.Finding) error {
	marks := map[apache.Level]string{apache.Good: "[✓]", apache.Advice: "[!]", apache.Problem: "[✗]"}
	for _, f := range found {
		if _, err := fmt.Fprintf(c.stdout, "%s %s\n", marks[f.Level], f.Text); err != nil {
			return err
		}
		if f.Fix != "" {
			fmt.Fprintf(c.stdout, "    fix: %s\n", f.Fix)
		}
	}
	return nil
}

// listeners are those of the host that runs, or without one those of the host file.
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
