package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
	"github.com/modgw/modgw/venv"
)

func newCheck(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "check [TARGET…]",
		Aliases: []string{"validate"},
		Short:   "Check descriptors without running anything",
		RunE: func(cmd *cobra.Command, targets []string) error {
			files, diags := s.check(cmd.Context(), targets)
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
	s.bindWithTargetArgs(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in the format of terraform validate")
	return cmd
}

// check loads descriptors and holds them against this machine: its users, files and Pythons.
func (s *settings) check(
	ctx context.Context, targets []string,
) ([]*loader.File, loader.Diagnostics) {
	files, diags := s.loadWith(targets, s.held(ctx, targets), loader.Options{
		Vars: s.vars, Root: os.Geteuid() == 0, Machine: true, Unenforced: host.UnenforcedLimits(),
		Unconfined: host.Unconfined(), CannotFreeze: host.CannotFreeze(),
	})
	h, err := s.host()
	if err != nil {
		return files, diags // the mistakes in the host's file were found already
	}
	builder := venv.New(venv.Config{State: h.State()})
	for _, f := range files {
		f.Descriptors = slices.DeleteFunc(f.Descriptors, func(d modgw.Descriptor) bool {
			absent := absentPython(builder, d)
			if absent == nil {
				return false
			}
			f.Diagnostics, diags = append(f.Diagnostics, *absent), append(diags, *absent)
			return true
		})
	}
	return files, diags
}

// isAboutPython reports whether a code is one for a Python or virtual environment that an app asks
// for and that cannot be used on this machine.
func isAboutPython(code string) bool {
	switch code {
	case "MGW-ENV-001", "MGW-ENV-002", "MGW-ENV-003", "MGW-ENV-004", "MGW-ENV-021":
		return true
	}
	return false
}

// absentPython returns the mistake in an app that asks for a Python which this machine does not
// have; nil if there is none. Other failures of a build show only when it is tried.
func absentPython(builder *venv.Builder, d modgw.Descriptor) *loader.Diagnostic {
	if d.Entry() == "" || d.Attach {
		return nil
	}
	_, err := builder.Fingerprint(d)
	fault, ok := errors.AsType[*modgw.Fault](err)
	if !ok || !isAboutPython(fault.Code) {
		return nil
	}
	detail := fault.Hint
	if fault.Err != nil {
		detail = fault.Err.Error() + "; " + detail
	}
	at := loader.Position{Line: d.Line}
	return &loader.Diagnostic{
		Severity: loader.Error,
		Code:     fault.Code,
		Summary:  fault.Summary,
		Detail:   detail,
		Range:    loader.Range{Filename: d.File, Start: at, End: at},
	}
}

// verdict prints a line for each app, the mistakes, and a summary.
func (c console) verdict(files []*loader.File, diags loader.Diagnostics) error {
	var rows [][]string
	broken := 0
	for _, f := range files {
		name := f.Path
		if f.Diagnostics.HasErrors() {
			broken++
			if name != "" { // a file that is no descriptor is already named by the error
				rows = append(rows, []string{name, "FAILED", "", "", ""})
			}
		}
		for _, d := range f.Descriptors {
			rows = append(rows, []string{name, "ok", string(d.Name), string(d.Kind), placeOf(d.Hosts, d.Mount)})
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

// placeOf is where an app answers: "blog.example.com/ shop.example.com/", or "/blog" for any host.
func placeOf(hosts []string, mount modgw.MountPath) string {
	if len(hosts) == 0 {
		return string(mount)
	}
	places := make([]string, len(hosts))
	for i, host := range hosts {
		places[i] = host + string(mount)
	}
	return strings.Join(places, " ")
}
