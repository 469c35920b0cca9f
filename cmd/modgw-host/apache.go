package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/apache"
)

func newApache(c console) *cobra.Command {
	return group("apache", "Write, check and run Apache configuration", newApacheConfig(c), newApacheCheck(c), newApacheRun(c))
}

func newApacheCheck(c console) *cobra.Command {
	var s settings
	var targets []string
	var asJSON, probe bool
	var program string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check whether Apache can serve the apps, and show what to fix",
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
			proxies, err := s.trustedProxies()
			if err != nil {
				return err
			}
			found, err := apache.Check(cmd.Context(), apache.CheckConfig{
				Options: apache.Options{TrustedProxies: proxies}, Program: program, Apps: all, Listeners: listeners,
			})
			if err != nil {
				return err
			}
			if probe {
				found = apache.Sorted(append(found, apache.ProbeWebSocket(cmd.Context(), program, listeners)))
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
	bindTargetFlag(cmd, &targets)
	cmd.Flags().StringVar(&program, "httpd", "", "`PATH` of Apache's program (default: the first one found)")
	cmd.Flags().BoolVar(&probe, "probe", false, "also start a private Apache for a moment, and test whether a WebSocket passes")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// findings prints the findings of a check, each with its fix below it.
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
