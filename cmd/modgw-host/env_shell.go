package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newEnvShell(c console) *cobra.Command {
	var s settings
	var targets []string
	cmd := &cobra.Command{
		Use:               "shell APP",
		Short:             "Open a shell as an app's user, in its root, with its environment",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			shell, err := s.commandOf(cmd.Context(), c, args[0], targets, shellCommand())
			if err != nil {
				return err
			}
			// Files that a login would read could put another Python first.
			shell.Env = append(shell.Env, fmt.Sprintf("PS1=(%s) $PWD $ ", args[0]), "TERM="+os.Getenv("TERM"))
			return c.hand(shell)
		},
	}
	s.bind(cmd)
	bindTargetFlag(cmd, &targets)
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
