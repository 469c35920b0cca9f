package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/venv"
)

func newEnvGC(c console) *cobra.Command {
	var s settings
	var targets []string
	var dryRun, asJSON bool
	var newest int
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove environments that nothing uses",
		Long: `Remove environments that nothing uses, and the remains of killed builds. These
stay: environments that the running host's apps use or could be rolled back to,
that the descriptors need now, or that an app needed in the last ten minutes,
and the last --keep environments of each app.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			builder, err := s.builder(cmd.Context())
			if err != nil {
				return err
			}
			keep, err := s.neededEnvironments(cmd.Context(), c, builder, targets)
			if err != nil {
				return err
			}
			removed, err := builder.Collect(cmd.Context(), venv.Collection{Keep: keep, Newest: newest, DryRun: dryRun})
			if asJSON {
				return errors.Join(c.json(removed), err)
			}
			return errors.Join(c.removals(removed, dryRun), err)
		},
	}
	s.bind(cmd)
	bindTargetFlag(cmd, &targets)
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "only print what would be removed")
	cmd.Flags().IntVar(&newest, "keep", 2, "keep the `N` environments that each app used last")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// removals prints the removed environments and their size.
func (c console) removals(list []venv.Removal, dryRun bool) error {
	verb := "removed"
	if dryRun {
		verb = "would remove"
	}
	var size int64
	for _, r := range list {
		size += r.Size
		of := joinApps(r.Apps)
		if of != "" {
			of = " of " + of
		}
		fmt.Fprintln(c.stdout, strings.TrimSpace(fmt.Sprintf("%s %s %s%s  %s", verb, r.What, r.ID, of, mebibytes(r.Size))))
	}
	_, err := fmt.Fprintf(c.stdout, "%s %d, %s\n", verb, len(list), fmt.Sprintf("%.1f MiB", float64(size)/(1<<20)))
	return err
}

// neededEnvironments are the IDs of those that the running host's generations need, and of those
// that descriptors ask for now.
func (s *settings) neededEnvironments(ctx context.Context, c console, builder *venv.Builder, targets []string) ([]string, error) {
	running, err := s.runningEnvironments(ctx)
	if err != nil {
		return nil, err
	}
	needed := slices.Collect(maps.Keys(running))
	all, err := s.descriptors(ctx, targets)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		id, err := builder.Fingerprint(d)
		if err != nil {
			fmt.Fprintf(c.stderr, "cannot find out which environment %s needs: %s\n", d.Name, firstLine(err.Error()))
			continue
		}
		needed = append(needed, id)
	}
	return needed, nil
}

// runningEnvironments returns the hashes of the environments that the running host needs: those of
// serving and draining generations, and those that rollback returns to. If no host runs, it returns
// none.
func (s *settings) runningEnvironments(ctx context.Context) (map[string]bool, error) {
	status, err := s.status(ctx)
	if errors.Is(err, control.ErrNoHost) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	running := map[string]bool{}
	for _, app := range status.Apps {
		for _, id := range app.Environments() {
			running[id[strings.LastIndexByte(id, '-')+1:]] = true
		}
	}
	return running, nil
}
