package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/loader"
)

func newFmt(c console) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FILE…]",
		Short: "Format descriptors in place",
		Long: `Format descriptors in place (default: the *.hcl files of the current folder),
and list those that changed. The FILE - is standard input, formatted to standard
output.`,
		RunE: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				var err error
				if files, err = filepath.Glob("*.hcl"); err != nil {
					return err
				}
			}
			changed := false
			for _, name := range files {
				did, err := c.format(name, check)
				if err != nil {
					return err
				}
				changed = changed || did
			}
			if check && changed {
				return exitCode(exitFailed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; list the files that would change, and fail if there are any")
	return cmd
}

// format formats one file and reports whether that changes it.
func (c console) format(name string, checkOnly bool) (bool, error) {
	src, err := c.source(name)
	if err != nil {
		return false, err
	}
	formatted, diags := loader.Format(src, name)
	if diags.HasErrors() {
		_ = diags.WriteText(c.stderr, c.colour())
		return false, exitCode(exitFailed)
	}
	changed := !bytes.Equal(src, formatted)
	switch {
	case name == "-" && !checkOnly:
		_, err = c.stdout.Write(formatted)
		return changed, err
	case !changed:
		return false, nil
	case !checkOnly:
		info, err := os.Stat(name)
		if err != nil {
			return false, err
		}
		if err := atomicfile.Write(name, formatted, info.Mode().Perm()); err != nil {
			return false, err
		}
	}
	fmt.Fprintln(c.stdout, name)
	return true, nil
}

func (c console) source(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(c.stdin)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot format %q: %w", name, err)
	}
	return src, nil
}
