package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func newScale(c console) *cobra.Command {
	var s settings
	var reset, asJSON bool
	var scale modgw.Scale
	cmd := &cobra.Command{
		Use:   "scale APP N|MIN..MAX",
		Short: "Set the number of workers of an app",
		Long: `Set the number of workers of an app: N, or as many between MIN and MAX as the
load needs. The number stays across reloads and restarts of the app, until the
descriptor changes it or the host ends. --reset returns to the descriptor. New
workers start in the background; surplus workers first finish their requests.`,
		Example:           "  modgw-host scale blog 4\n  modgw-host scale blog 1..8\n  modgw-host scale blog --reset",
		ValidArgsFunction: s.completeApps,
		Args: arguments(func(cmd *cobra.Command, args []string) error {
			if reset {
				return cobra.ExactArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(2)(cmd, args)
		}),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			if !reset {
				scale, err = modgw.ParseScale(args[1])
			}
			return err
		},
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			status, err := client.Scale(cmd.Context(), modgw.AppName(args[0]), scale)
			if err != nil {
				return err
			}
			if asJSON {
				return c.json(status)
			}
			_, err = fmt.Fprintf(c.stdout, "%s  %s\n", args[0], scaleText(&status))
			return err
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&reset, "reset", false, "return to the number of workers in the descriptor")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// scaleText describes how many workers an app should have, and why.
func scaleText(s *modgw.ScaleStatus) string {
	text := fmt.Sprintf("%s workers", s.Scale)
	if s.Wanted > 0 && !s.IsFixed() {
		text += fmt.Sprintf(", %d wanted now", s.Wanted)
	}
	if s.Manual {
		text += ", set by hand"
	}
	if s.Held != "" {
		text += ", held by " + s.Held
	}
	return text
}
