package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/masking"
)

func newReport(c console) *cobra.Command {
	var s settings
	var asJSON bool
	var out string
	cmd := &cobra.Command{
		Use:   "report APP",
		Short: "Write a report about an app, to attach to a bug report",
		Long: `Write a report about an app, to attach to a bug report: its status, figures,
configuration, versions, last errors and last log lines. It omits secrets and
the values of variables. Read the log lines before you send them.`,
		Example:           "  modgw-host report shop --out shop.md",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			r, secrets, err := readReport(cmd.Context(), client, modgw.AppName(args[0]))
			if err != nil {
				return err
			}
			var text bytes.Buffer
			if asJSON {
				err = console{stdout: &text}.json(masking.Without(r, secrets))
			} else {
				err = r.write(cmd.Context(), &text, secrets)
			}
			if err != nil {
				return err
			}
			if out == "" {
				_, err = text.WriteTo(c.stdout)
				return err
			}
			if err := atomicfile.Write(out, text.Bytes(), 0o600); err != nil {
				return fmt.Errorf("cannot write the report: %w", err)
			}
			_, err = fmt.Fprintf(c.stdout, "wrote %s\n", out)
			return err
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the report into `FILE`, which only you can read (default standard output)")
	return cmd
}

// report is all about an app.
type report struct {
	Made       time.Time           `json:"made"`
	Version    string              `json:"version"`  // version of the host
	Started    time.Time           `json:"started"`  // when the host began to run
	Platform   string              `json:"platform"` // operating system, processor and kernel
	Processors int                 `json:"processors"`
	App        control.AppStatus   `json:"app"`
	Broken     string              `json:"broken"` // mistakes in its descriptor
	Metrics    []reportedMetric    `json:"metrics"`
	Descriptor any                 `json:"descriptor"` // settings that are not zero
	Log        []control.LogRecord `json:"log"`
}

// reportedMetric is a metric of the app.
type reportedMetric struct {
	Name   string           `json:"name"`
	Series []reportedSeries `json:"series"`
}

// reportedSeries is one of its series: a value, or the count and sum of a histogram.
type reportedSeries struct {
	Labels map[string]string `json:"labels"`
	Value  *float64          `json:"value,omitempty"`
	Count  *uint64           `json:"count,omitempty"`
	Sum    *float64          `json:"sum,omitempty"`
}

// reportedLines is the number of log lines in a report.
const reportedLines = 200

// readReport asks the host about an app. The texts of the report still have the secrets, but for
// the descriptor.
func readReport(ctx context.Context, client *control.Client, name modgw.AppName) (r report, secrets []string, err error) {
	status, err := client.Status(ctx)
	if err != nil {
		return r, nil, err
	}
	i := slices.IndexFunc(status.Apps, func(a control.AppStatus) bool { return a.App == name })
	if i < 0 {
		return r, nil, unknownIn(status, string(name))
	}
	r = report{
		Made: time.Now(), Version: status.Version, Started: status.Started, Platform: platform(), Processors: runtime.NumCPU(),
		App: status.Apps[i],
	}
	for _, b := range status.Broken {
		if slices.Contains(b.Apps, name) {
			r.Broken += b.Diagnostics
		}
	}
	descriptors, err := client.Descriptors(ctx)
	if err != nil {
		return r, nil, err
	}
	i = slices.IndexFunc(descriptors, func(d modgw.Descriptor) bool { return d.Name == name })
	if i < 0 {
		return r, nil, fmt.Errorf("cannot read the configuration of app %q: the host has it no more", name)
	}
	secrets = masking.Secrets(descriptors[i])
	r.Descriptor = masking.Settings(descriptors[i])
	if r.Metrics, err = metricsOf(ctx, client, name); err != nil {
		return r, nil, err
	}
	err = client.Logs(ctx, control.LogQuery{App: name, Lines: reportedLines}, func(record control.LogRecord) bool {
		r.Log = append(r.Log, record)
		return true
	})
	return r, secrets, err
}

// metricsOf are the metrics with the label of an app.
func metricsOf(ctx context.Context, client *control.Client, name modgw.AppName) (of []reportedMetric, err error) {
	var text bytes.Buffer
	if err := client.Metrics(ctx, &text, true); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text.Bytes(), &of); err != nil {
		return nil, fmt.Errorf("cannot read the host's metrics: %w", err)
	}
	for i := range of {
		of[i].Series = slices.DeleteFunc(of[i].Series, func(s reportedSeries) bool { return s.Labels["app"] != string(name) })
	}
	return slices.DeleteFunc(of, func(m reportedMetric) bool { return len(m.Series) == 0 }), nil
}

// platform names the machine as a bug report needs it.
func platform() string {
	text := runtime.GOOS + "/" + runtime.GOARCH
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		text += ", kernel " + unix.ByteSliceToString(name.Release[:])
	}
	return text
}
