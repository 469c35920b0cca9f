package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
)

func newCheck(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "check [TARGET…]",
		Aliases: []string{"validate"},
		Short:   "Check descriptors without running anything",
		RunE: func(cmd *cobra.Command, targets []string) error {
			files, diags := s.load(targets, s.held(cmd.Context(), targets))
			if asJSON {
				if err := diags.WriteJSON(c.stdout); err != nil {
					return err
				}
			} else if err := c.verdict(files, diags); err != nil {
				return err
			}
			if diags.HasErrors() {
				return exitCode(exitFailed)
			}
			return nil
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as terraform validate does")
	return cmd
}

// verdict prints a line for each app, what is wrong, and what that comes to.
func (c console) verdict(files []*loader.File, diags loader.Diagnostics) error {
	var rows [][]string
	broken := 0
	for _, f := range files {
		name := f.Path
		if f.Diagnostics.HasErrors() {
			broken++
			if name != "" { // what is no descriptor is named by the mistake
				rows = append(rows, []string{name, "FAILED", "", "", ""})
			}
		}
		for _, d := range f.Descriptors {
			rows = append(rows, []string{name, "ok", string(d.Name), string(d.Kind), place(d)})
		}
	}
	if err := c.table(rows); err != nil {
		return err
	}
	if err := diags.WriteText(c.stderr, c.colour()); err != nil {
		return err
	}
	switch {
	case diags.HasErrors() && len(files) == 0: // the mistakes are in the host's own file
		fmt.Fprintln(c.stderr, "configuration test failed")
	case diags.HasErrors():
		fmt.Fprintf(c.stderr, "configuration test failed (%d of %d files)\n", broken, len(files))
	default:
		fmt.Fprintln(c.stderr, "configuration test is successful")
	}
	return nil
}

// place is where an app answers: "blog.example.com/ shop.example.com/", or "/blog" for any host.
func place(d modgw.Descriptor) string { return placeOf(d.Hosts, d.Mount) }

func placeOf(hosts []string, mount modgw.MountPath) string {
	if len(hosts) == 0 {
		return string(mount)
	}
	text := ""
	for i, h := range hosts {
		if i > 0 {
			text += " "
		}
		text += h + string(mount)
	}
	return text
}
