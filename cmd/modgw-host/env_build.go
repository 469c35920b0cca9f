package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/venv"
)

func newEnvBuild(c console) *cobra.Command {
	var s settings
	var targets []string
	var all bool
	var jobs int
	cmd := &cobra.Command{
		Use:               "build [APP…]",
		Short:             "Build the environments of apps, or of all apps, without running them",
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, apps []string) error {
			if all && len(apps) > 0 {
				return &usageError{cmd.CommandPath(), "cannot build all environments and those of some apps: give --all or names"}
			}
			descriptors, err := s.descriptors(cmd.Context(), targets)
			if err != nil {
				return err
			}
			if err := (&found{apps: descriptors}).choose(apps); err != nil {
				return err
			}
			descriptors = chosen(descriptors, apps)
			builder, err := s.builder(cmd.Context())
			if err != nil {
				return err
			}
			return c.buildAll(cmd.Context(), builder, descriptors, max(jobs, 1))
		},
	}
	s.bind(cmd)
	bindTargetFlag(cmd, &targets)
	cmd.Flags().BoolVar(&all, "all", false, "build the environments of all apps (the default without names)")
	cmd.Flags().IntVarP(&jobs, "jobs", "j", 2, "build `N` environments at once")
	return cmd
}

// buildAll builds the environments of apps, so many at once, and prints a line for each that is
// there.
func (c console) buildAll(ctx context.Context, builder *venv.Builder, apps []modgw.Descriptor, jobs int) error {
	var printing sync.Mutex
	progress := func(step venv.Step) {
		printing.Lock()
		defer printing.Unlock()
		c.progress(step)
	}
	failed := make([]error, len(apps))
	free := make(chan struct{}, jobs)
	var building sync.WaitGroup
	for i, d := range apps {
		free <- struct{}{}
		building.Go(func() {
			defer func() { <-free }()
			env, err := builder.Build(ctx, d, progress)
			if failed[i] = err; err != nil {
				return
			}
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprintln(c.stdout, builtLine(d, env))
		})
	}
	building.Wait()
	return errors.Join(failed...)
}

func builtLine(d modgw.Descriptor, env *modgw.Environment) string {
	switch {
	case env.ID != "":
		return fmt.Sprintf("%s  %s  %s  %s  from %s", d.Name, env.ID, env.Version, plural(len(env.Packages), "package"), env.Source)
	case env.Dir != "":
		return fmt.Sprintf("%s  %s  %s", d.Name, env.Dir, env.Version)
	}
	return fmt.Sprintf("%s  needs no environment", d.Name)
}

// chosen are the descriptors of the named apps; of all without names.
func chosen(all []modgw.Descriptor, names []string) []modgw.Descriptor {
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(d modgw.Descriptor) bool { return !slices.Contains(names, string(d.Name)) })
}
