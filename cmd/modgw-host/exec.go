package main

import (
	"context"
	"errors"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/venv"
)

func newExec(c console) *cobra.Command {
	var s settings
	var targets []string
	cmd := &cobra.Command{
		Use:               "exec APP -- COMMAND…",
		Short:             "Run a command as an app's user, in its root, with its environment",
		Example:           "  modgw-host exec blog -- python manage.py migrate",
		Args:              arguments(cobra.MinimumNArgs(2)),
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			command, err := s.commandOf(cmd.Context(), c, args[0], targets, args[1:])
			if err != nil {
				return err
			}
			return c.hand(command)
		},
	}
	s.bind(cmd)
	bindTargetFlag(cmd, &targets)
	return cmd
}

// commandOf is a command that runs in an app's environment, folder and user. It builds the
// environment if it is not there yet.
func (s *settings) commandOf(ctx context.Context, c console, app string, targets, command []string) (*exec.Cmd, error) {
	d, err := s.descriptor(ctx, app, targets)
	if err != nil {
		return nil, err
	}
	builder, err := s.builder(ctx)
	if err != nil {
		return nil, err
	}
	env, err := builder.Build(ctx, d, c.progress)
	if err != nil {
		return nil, err
	}
	return venv.Command(env, d, command)
}

// hand gives the terminal to a command, and returns its exit code as ours.
func (c console) hand(command *exec.Cmd) error {
	command.Stdin, command.Stdout, command.Stderr = c.stdin, c.stdout, c.stderr
	err := command.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitCode(max(ended.ExitCode(), exitFailed))
	}
	return err
}
