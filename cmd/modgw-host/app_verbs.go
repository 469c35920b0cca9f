package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// newAct returns a command that makes the running host act on an app.
func newAct(c console, verb string) *cobra.Command {
	var s settings
	wait := true
	cmd := &cobra.Command{
		Use:               verb + " APP",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			return c.act(cmd.Context(), client, verb, modgw.AppName(firstOf(args, "")), wait)
		}),
	}
	s.bind(cmd)
	switch verb {
	case "reload":
		cmd.Use, cmd.Args = "reload [APP]", arguments(cobra.MaximumNArgs(1))
		cmd.Short = "Read descriptors again and replace the generation of an app, or of all apps"
	case "restart":
		cmd.Short = "Replace the workers of an app, or start a stopped app"
	case "rollback":
		cmd.Short = "Return an app to the descriptor and environment of its last good generation"
	}
	if verb != "rollback" {
		cmd.Flags().BoolVar(&wait, "wait", true, "wait until the new generation serves, and fail if it does not")
	}
	return cmd
}

// act tells the host to do something to an app, and prints the generation that serves then.
func (c console) act(ctx context.Context, client *control.Client, verb string, app modgw.AppName, wait bool) error {
	before, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if err := client.Do(ctx, verb, app, wait); err != nil {
		return err
	}
	after, err := client.Status(ctx)
	if err != nil {
		return err
	}
	c.confirm(after, app)
	if verb == "rollback" && rootOf(before, app) == rootOf(after, app) {
		fmt.Fprintf(c.stderr, "The descriptor and the environment were rolled back, but not the code: the files in %s did not change.\n", rootOf(after, app))
	}
	return nil
}

// confirm prints the generation that serves now.
func (c console) confirm(status control.Status, app modgw.AppName) {
	for _, a := range status.Apps {
		if app == "" || a.App == app {
			fmt.Fprintln(c.stdout, summary(a))
		}
	}
}

// rootOf is the folder that an app's generation runs in, with links resolved when it was made.
func rootOf(status control.Status, app modgw.AppName) string {
	for _, a := range status.Apps {
		if a.App == app {
			return a.Root
		}
	}
	return ""
}

func newStop(c console) *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:               "stop [APP]",
		Short:             "Stop an app, or without APP the host itself",
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			if len(args) > 0 {
				return c.act(cmd.Context(), client, "stop", modgw.AppName(args[0]), true)
			}
			return client.Shutdown(cmd.Context())
		}),
	}
	s.bind(cmd)
	return cmd
}
