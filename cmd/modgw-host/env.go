package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/venv"
)

func newEnv(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "List and build environments",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEnvList(c), newEnvBuild(c))
	return cmd
}

func newEnvList(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the environments in the state folder",
		Args:  arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			dir, err := s.stateDir()
			if err != nil {
				return err
			}
			all, err := venv.New(venv.Config{State: dir}).List()
			if err != nil {
				return err
			}
			if asJSON {
				return c.json(all)
			}
			rows := [][]string{{"ENVIRONMENT", "APP", "PYTHON", "FROM", "PACKAGES", "BUILT"}}
			for _, e := range all {
				rows = append(rows, []string{e.ID, string(e.App), e.Python, e.Source, fmt.Sprint(e.Packages), e.Built.Format(time.DateTime)})
			}
			return c.table(rows)
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newEnvBuild(c console) *cobra.Command {
	var s settings
	var targets []string
	cmd := &cobra.Command{
		Use:   "build [APP…]",
		Short: "Build the environments of apps, or of all, without running them",
		RunE: func(cmd *cobra.Command, apps []string) error {
			all, err := s.descriptors(cmd.Context(), targets)
			if err != nil {
				return err
			}
			dir, err := s.stateDir()
			if err != nil {
				return err
			}
			builder := venv.New(venv.Config{State: dir})
			var failed []error
			for _, d := range chosen(all, apps) {
				env, err := builder.Build(cmd.Context(), d, c.progress)
				if err != nil {
					failed = append(failed, err)
					continue
				}
				fmt.Fprintf(c.stdout, "%s  %s  %s  %d packages  from %s\n", d.Name, env.ID, env.Version, len(env.Packages), env.Source)
			}
			return errors.Join(failed...)
		},
	}
	s.bind(cmd)
	cmd.Flags().StringArrayVarP(&targets, "target", "t", nil, "a descriptor or folder `TARGET` whose apps are meant (repeatable)")
	return cmd
}

// progress prints the steps of a build to stderr.
func (c console) progress(s venv.Step) {
	if s.Output {
		fmt.Fprintf(c.stderr, "    %s\n", s.Text)
		return
	}
	fmt.Fprintf(c.stderr, "%s: %s\n", s.App, s.Text)
}

// chosen are the descriptors of the named apps; of all without names.
func chosen(all []modgw.Descriptor, names []string) []modgw.Descriptor {
	if len(names) == 0 {
		return all
	}
	var found []modgw.Descriptor
	for _, d := range all {
		for _, name := range names {
			if string(d.Name) == name {
				found = append(found, d)
			}
		}
	}
	return found
}
