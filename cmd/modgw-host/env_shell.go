package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/modgw/modgw/venv"
)

func newEnvShell(c console) *cobra.Command {
	var s settings
	var targets []string
	cmd := &cobra.Command{
		Use:               "shell APP",
		Short:             "Open a shell in an app's environment, folder and user",
		Args:              arguments(cobra.ExactArgs(1)),
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
			shell, err := venv.Command(env, d, shellCommand())
			if err != nil {
				return err
			}
			// Files that a login would read could put another Python first.
			shell.Env = append(shell.Env, fmt.Sprintf("PS1=(%s) $PWD $ ", d.Name), "TERM="+os.Getenv("TERM"))
			return c.hand(shell)
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` that has the app (repeatable)")
	return cmd
}

// shellCommand is bash where it is there, else sh; interactive at a terminal.
func shellCommand() []string {
	command := []string{"/bin/bash", "--noprofile", "--norc"}
	if _, err := os.Stat(command[0]); err != nil {
		command = []string{"/bin/sh"}
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		command = append(command, "-i")
	}
	return command
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
