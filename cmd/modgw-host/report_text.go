package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/masking"
)

// reportedErrors is the number of recent errors that a report lists apart from the log.
const reportedErrors = 20

// write writes the report as Markdown, without the secrets.
func (r report) write(ctx context.Context, w io.Writer, secrets []string) error {
	descriptor, err := json.MarshalIndent(masking.Without(r.Descriptor, secrets), "", "  ")
	if err != nil {
		return err
	}
	failures := slices.DeleteFunc(slices.Clone(r.Log), func(record control.LogRecord) bool {
		return record.Level != "ERROR" && record.Level != "WARN"
	})
	log, err := logLines(ctx, r.Log)
	if err != nil {
		return err
	}
	errorLines, err := logLines(ctx, failures[max(0, len(failures)-reportedErrors):])
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Report about app %s\n\n", r.App.App)
	fmt.Fprintf(&b, "modgw-host %s, running since %s, on %s with %d processors. Made at %s.\n", r.Version,
		r.Started.Format(time.RFC3339), r.Platform, r.Processors, r.Made.Format(time.RFC3339))
	for _, part := range []struct{ title, text string }{
		{"Status", details(r.App)}, {"Mistakes in its descriptor", r.Broken}, {"Packages", packageLines(r.App)},
		{"Figures", metricLines(r.Metrics)}, {"Configuration", string(descriptor)}, {"Last errors", errorLines}, {"Log", log},
	} {
		if part.text == "" {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", part.title)
		// Indented, so that no line of an app ends the block.
		for line := range strings.Lines(part.text) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	_, err = io.WriteString(w, modgw.RedactString(b.String(), secrets))
	return err
}

// logLines are records as logs prints them.
func logLines(ctx context.Context, records []control.LogRecord) (string, error) {
	var b bytes.Buffer
	show := console{stdout: &b}.logPrinter(ctx, false)
	for _, record := range records {
		if err := show(record); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func packageLines(a control.AppStatus) string {
	var b strings.Builder
	if a.Generation != nil {
		for _, p := range a.Generation.Environment.Packages {
			fmt.Fprintf(&b, "%s %s\n", p.Name, p.Version)
		}
	}
	return b.String()
}

// metricLines are metrics with a line for each series.
func metricLines(all []reportedMetric) string {
	var b strings.Builder
	for _, m := range all {
		for _, s := range m.Series {
			var labels []string
			for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
				if name != "app" {
					labels = append(labels, fmt.Sprintf("%s=%q", name, s.Labels[name]))
				}
			}
			name := m.Name
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case s.Value != nil:
				fmt.Fprintf(&b, "%s %g\n", name, *s.Value)
			case s.Count != nil && s.Sum != nil:
				fmt.Fprintf(&b, "%s count %d, sum %g\n", name, *s.Count, *s.Sum)
			}
		}
	}
	return b.String()
}
