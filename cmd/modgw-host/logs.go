package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/cmd/modgw-host/internal/logtext"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func newLogs(c console) *cobra.Command {
	var s settings
	var q control.LogQuery
	var since, until moment
	var level string
	var asJSON, audit bool
	cmd := &cobra.Command{
		Use:               "logs [APP]",
		Short:             "Show the log of the running host and its apps",
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: s.completeApps,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if level != "" {
				least, err := parseLevel(cmd.CommandPath(), level)
				if err != nil {
					return err
				}
				q.Level = &least
			}
			return nil
		},
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			q.App = modgw.AppName(firstOf(args, ""))
			q.Since, q.Until = since.Time, until.Time
			if audit {
				actions, err := client.Actions(cmd.Context(), q.App, q.Lines)
				return errors.Join(err, c.actions(actions, asJSON))
			}
			if q.App != "" && q.Follow {
				if err := known(cmd.Context(), client, q.App); err != nil {
					return err // there would be nothing to wait for
				}
			}
			var failed error
			shown := false
			show := c.logPrinter(cmd.Context(), asJSON)
			err := client.Logs(cmd.Context(), q, func(r control.LogRecord) bool {
				shown, failed = true, show(r)
				return failed == nil
			})
			if err != nil || shown || q.App == "" {
				return errors.Join(err, failed)
			}
			return known(cmd.Context(), client, q.App)
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVarP(&q.Follow, "follow", "f", false, "also print new records, until Ctrl-C")
	cmd.Flags().IntVarP(&q.Lines, "lines", "n", 100, "print at most the last `N` records; 0 means all")
	cmd.Flags().StringVar(&q.Request, "id", "", "print only records about the request or incident `ID`")
	cmd.Flags().Var(&since, "since", `print only records since TIME: "2h" (ago), "14:30", "yesterday", "2006-01-02 14:30"`)
	cmd.Flags().Var(&until, "until", "print only records before TIME")
	cmd.Flags().StringVar(&level, "level", "", "print only records of at least this `LEVEL`: debug, info, warn or error")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each record as a JSON object")
	cmd.Flags().BoolVar(&audit, "audit", false, "print who did what over the control socket, and the result")
	cmd.MarkFlagsMutuallyExclusive("audit", "follow")
	cmd.MarkFlagsMutuallyExclusive("audit", "id")
	cmd.MarkFlagsMutuallyExclusive("audit", "since")
	cmd.MarkFlagsMutuallyExclusive("audit", "until")
	cmd.MarkFlagsMutuallyExclusive("audit", "level")
	return cmd
}

// parseLevel reads the name of a level.
func parseLevel(command, name string) (level slog.Level, err error) {
	switch name {
	case "debug", "info", "warn", "error":
		return level, level.UnmarshalText([]byte(name))
	}
	return level, &usageError{command, fmt.Sprintf("cannot use --level %q: it is debug, info, warn or error", name)}
}

// known is an error when the host has no such app, which could also just have logged nothing.
func known(ctx context.Context, client *control.Client, app modgw.AppName) error {
	f, err := running(ctx, client)
	if err != nil || slices.Contains(f.mistaken, app) {
		return err
	}
	return f.choose([]string{string(app)})
}

// actions prints lines of the audit log.
func (c console) actions(all []control.Action, asJSON bool) error {
	if asJSON {
		lines := json.NewEncoder(c.stdout)
		for _, a := range all {
			if err := lines.Encode(a); err != nil {
				return err
			}
		}
		return nil
	}
	rows := [][]string{{"TIME", "USER", "ACTION", "APP", "RESULT"}}
	for _, a := range all {
		result := a.Result
		if a.Error != "" {
			result += ": " + a.Error
		}
		rows = append(rows, []string{a.Time.Local().Format(time.DateTime), a.User, strings.TrimSpace(a.Verb + " " + a.To), cmp.Or(string(a.App), "-"), result})
	}
	return c.table(rows)
}

// logPrinter prints records to stdout as the host prints them to its log.
func (c console) logPrinter(ctx context.Context, asJSON bool) func(control.LogRecord) error {
	var handler slog.Handler = logtext.New(c.stdout, logtext.Options{
		Level: slog.LevelDebug, Head: logtext.Dated, Plain: modgw.AppLine, Colour: c.colourOfResults(),
	})
	if asJSON {
		handler = slog.NewJSONHandler(c.stdout, &slog.HandlerOptions{Level: slog.LevelDebug})
	}
	return func(r control.LogRecord) error {
		var level slog.Level
		if err := level.UnmarshalText([]byte(r.Level)); err != nil {
			return err
		}
		record := slog.NewRecord(r.Time, level, r.Message, 0)
		if r.App != "" {
			record.AddAttrs(slog.String("app", string(r.App)))
		}
		for _, a := range r.Attrs {
			record.AddAttrs(slog.String(a.Key, a.Value))
		}
		return handler.Handle(ctx, record)
	}
}
