package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw/host"
)

func newDev(c console) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "dev [TARGET]",
		Short: "Run an app for its developer: one worker, and errors in the browser",
		Args:  arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, targets []string) error {
			if len(targets) == 0 {
				targets = []string{"."}
			}
			config, err := f.config(cmd, c, targets)
			if err != nil {
				return err
			}
			config.Dev = true
			if config.State == "" {
				if config.State, err = devState(targets[0]); err != nil {
					return err
				}
			}
			return runHost(cmd.Context(), config, func() {})
		},
	}
	f.bind(cmd)
	return cmd
}

// devState is a state folder for one project, so that two projects can be developed side by side.
func devState(target string) (string, error) {
	path, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(path))
	name := filepath.Base(path) + "-" + hex.EncodeToString(sum[:4])
	return filepath.Join(host.DefaultState(os.Getuid()), "dev", name), nil
}
