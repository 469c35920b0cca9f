package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
)

func newVersion(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string       `json:"version"`
				Go       string       `json:"go"`
				Platform string       `json:"platform"`
				Kinds    []modgw.Kind `json:"kinds"`
				Fronts   []string     `json:"fronts"`
			}{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, modgw.Kinds(), modgw.Protocols()}
			if asJSON {
				return c.json(v)
			}
			_, err := fmt.Fprintf(c.stdout, "modgw-host %s (%s, %s)\nkinds: %v\nfronts: %v\n", v.Version, v.Go, v.Platform, v.Kinds, v.Fronts)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// release is the version that scripts/package gives a binary; "" otherwise.
var release string

// version returns the release, the module version of the binary, or the revision of the checkout.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
