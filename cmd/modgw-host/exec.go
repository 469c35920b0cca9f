package main

import (
	"github.com/spf13/cobra"

	"github.com/modgw/modgw/venv"
)

func newExec(c console) *cobra.Command {
	var s settings
	var targets []string
	cmd := &cobra.Command{
		Use:               "exec APP -- COMMAND…",
		Short:             "Run a command in an app's environment, folder and user",
		Example:           "  modgw-host exec blog -- python manage.py migrate",
		Args:              arguments(cobra.MinimumNArgs(2)),
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := s.descriptor(cmd.Context(), args[0], targets)
			if err != nil {
				return err
			}
			builder, err := s.builder(cmd.Context())
			if err != nil {
				return err
			}
			env, err := builder.Build(cmd.Context(), d, c.progress)
			if err != nil {
				return err
			}
			command, err := venv.Command(env, d, args[1:])
			if err != nil {
				return err
			}
			return c.hand(command)
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` that has the app (repeatable)")
	return cmd
}
