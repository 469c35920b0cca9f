package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/venv"
)

func newEnv(c console) *cobra.Command {
	return group("env", "List, build, enter and remove environments", newEnvList(c), newEnvBuild(c), newEnvShell(c), newEnvGC(c))
}

// environmentRow is one environment in the list.
type environmentRow struct {
	venv.Info
	InUse bool `json:"inUse"` // by an app that runs, or that could be rolled back to it
}

func newEnvList(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the environments in the state folder",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			builder, err := s.builder(cmd.Context())
			if err != nil {
				return err
			}
			list, err := builder.List()
			if err != nil {
				return err
			}
			inUse, err := s.runningEnvironments(cmd.Context())
			if err != nil {
				fmt.Fprintf(c.stderr, "cannot find out which environments are in use: %s\n", firstLine(err.Error()))
			}
			rows := make([]environmentRow, len(list))
			for i, info := range list {
				rows[i] = environmentRow{Info: info, InUse: inUse[info.ID]}
			}
			if asJSON {
				return c.json(rows)
			}
			return c.table(environmentTable(rows))
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func environmentTable(list []environmentRow) [][]string {
	table := [][]string{{"ENVIRONMENT", "APPS", "RUNTIME", "FROM", "PACKAGES", "SIZE", "BUILT", "IN USE"}}
	for _, e := range list {
		inUse := ""
		if e.InUse {
			inUse = "yes"
		}
		table = append(table, []string{e.ID, joinApps(e.Apps), e.Python, e.Source, fmt.Sprint(e.Packages), mebibytes(e.Size),
			e.Built.Format(time.DateTime), inUse})
	}
	return table
}

func joinApps(apps []modgw.AppName) string {
	texts := make([]string, len(apps))
	for i, app := range apps {
		texts[i] = string(app)
	}
	return strings.Join(texts, ", ")
}

// builder makes environments where the host that runs has its own.
func (s *settings) builder(ctx context.Context) (*venv.Builder, error) {
	dir, err := s.stateDir(ctx)
	if err != nil {
		return nil, err
	}
	return venv.New(venv.Config{State: dir}), nil
}

// progress prints the steps of a build to stderr.
func (c console) progress(s venv.Step) {
	if s.Output {
		fmt.Fprintf(c.stderr, "%s |   %s\n", s.App, s.Text)
		return
	}
	fmt.Fprintf(c.stderr, "%s | %s\n", s.App, s.Text)
}
