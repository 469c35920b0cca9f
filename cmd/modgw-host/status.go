package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func newStatus(c console) *cobra.Command {
	var s settings
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "status [APP]",
		Short:             "Show the status of the running host and its apps",
		Args:              arguments(cobra.MaximumNArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: s.ask(func(cmd *cobra.Command, client *control.Client, args []string) error {
			if len(args) == 0 {
				status, err := client.Status(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return c.json(status)
				}
				return c.overview(status)
			}
			status, err := client.StatusFor(cmd.Context(), modgw.AppName(args[0]))
			if err != nil {
				return err
			}
			for _, a := range status.Apps {
				if a.App != modgw.AppName(args[0]) {
					continue
				}
				shown := appStatus{AppStatus: a}
				if disk, err := client.Disk(cmd.Context(), a.App); err == nil {
					shown.Disk = &disk
				}
				if asJSON {
					return c.json(shown)
				}
				_, err := fmt.Fprint(c.stdout, details(a)+diskLine(shown.Disk))
				return err
			}
			for _, b := range status.Broken {
				if slices.Contains(b.Apps, modgw.AppName(args[0])) {
					fmt.Fprintf(c.stderr, "app %q is not served:\n%s", args[0], b.Diagnostics)
					return exitCode(exitFailed)
				}
			}
			return unknownIn(status, args[0])
		}),
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// unknownIn returns the error for an app that a host does not have.
func unknownIn(status control.Status, name string) error {
	var names []string
	for _, a := range status.Apps {
		names = append(names, string(a.App))
	}
	return unknownApp(name, names)
}

// appStatus is the status of one app, for display.
type appStatus struct {
	control.AppStatus

	Disk *control.DiskStatus `json:"disk"` // null: the host cannot count it
}

// diskLine describes the disk space that an app and its user occupy; it is "" if that is unknown.
func diskLine(d *control.DiskStatus) string {
	if d == nil {
		return ""
	}
	bound := ""
	if d.Most > 0 {
		bound = " of " + modgw.FormatSize(d.Most)
	}
	return fmt.Sprintf("  %-10s environment %s, private folder %s, log %s\n  %-10s apps of %s: %.1f MiB%s: %s\n",
		"disk", sizeText(d.Environment), sizeText(d.Private), sizeText(d.Logs),
		"", d.User, float64(d.Used.Sum())/(1<<20), bound, d.Used)
}

// sizeText is a number of bytes for people, also when it is small.
func sizeText(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// overview prints the host and a row for each app.
func (c console) overview(s control.Status) error {
	fmt.Fprintf(c.stdout, "modgw-host %s   pid %d   up %s   %s\n", s.Version, s.PID, ago(s.Started), listening(s))
	if u := s.Upgrade; u != nil {
		fmt.Fprintf(c.stdout, "upgraded from %s %s ago%s\n", u.From, ago(s.Started), draining(u.Draining))
	}
	if d := s.Diagnosis; d != nil {
		fmt.Fprintf(c.stdout, "%s   %s\n", d.Severity, strings.Join(nonEmpty(d.Sentence, d.Hint), "; "))
	}
	rows := [][]string{{"APP", "STATE", "PLACE", "KIND", "GENERATION", "WORKERS", "RUNTIME", "NOTE"}}
	for _, a := range s.Apps {
		generation, runtime := "-", ""
		if g := a.Generation; g != nil {
			generation, runtime = fmt.Sprintf("%d since %s", g.Number, ago(g.Ready)), g.Environment.Version
		}
		note := ""
		if a.Diagnosis != nil {
			note = a.Diagnosis.Sentence
		}
		rows = append(rows, []string{string(a.App), string(a.State), placeOf(a.Hosts, a.Mount), string(a.Kind),
			generation, workers(a.Runner), runtime, note})
	}
	if err := c.table(rows); err != nil {
		return err
	}
	for _, b := range s.Broken {
		fmt.Fprintf(c.stdout, "\n%s cannot be used:\n%s", b.File, b.Diagnostics)
	}
	return nil
}

// draining describes how many earlier hosts have not ended.
func draining(hosts int) string {
	if hosts == 0 {
		return ""
	}
	return "; " + plural(hosts, "earlier host") + " with open connections"
}

func listening(s control.Status) string {
	var all []string
	for _, l := range s.Listeners {
		all = append(all, l.Kind+" "+string(l.Address))
	}
	return strings.Join(all, ", ")
}

func workers(r modgw.RunnerStatus) string {
	ready := 0
	for _, w := range r.Workers {
		if w.State == "ready" || w.State == modgw.StateAttached {
			ready++
		}
	}
	return fmt.Sprintf("%d/%d", ready, len(r.Workers))
}

// summary is an app in one line.
func summary(a control.AppStatus) string {
	if g := a.Generation; g != nil {
		return fmt.Sprintf("%s  %s  generation %d (%s)", a.App, a.State, g.Number, g.Cause)
	}
	return fmt.Sprintf("%s  %s", a.App, a.State)
}

// details is the first screen about an app.
func details(a control.AppStatus) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "● %s  %s\n", a.App, strings.Join(nonEmpty(string(a.State), placeOf(a.Hosts, a.Mount), a.Descriptor), "   "))
	if d := a.Diagnosis; d != nil {
		line(string(d.Severity), "%s", d.Sentence)
		if d.Hint != "" {
			line("", "%s", d.Hint)
		}
	}
	if g := a.Generation; g != nil {
		line("generation", "%d since %s, %s, ready in %s", g.Number, ago(g.Ready), g.Cause, seconds(g.Took))
		env := g.Environment
		if about := nonEmpty(env.ID, env.Version, from(env.Source), builder(env)); len(about) > 0 {
			line("env", "%s", strings.Join(about, "  "))
		}
		if len(env.Packages) > 0 {
			line("", "%s", installed(env.Packages))
		}
		line("workers", "%s ready   busy %d/%d   queued %d   restarts %d", workers(a.Runner), a.Runner.Busy, a.Runner.Capacity, a.Runner.Queued, a.Runner.Restarts)
		if s := a.Scale; s != nil && (s.Manual || !s.IsFixed()) {
			line("scale", "%s", scaleText(s))
		}
		for _, w := range a.Runner.Workers {
			line("", "%d  pid %d  %s", w.Number, w.PID, strings.Join(nonEmpty(w.State, plural(w.Requests, "request"), mebibytes(w.Memory)), "  "))
		}
	}
	for label, text := range sleepLines(a) {
		line(label, "%s", text)
	}
	if crash := a.Runner.Crash; crash != nil {
		line("crashed", "%s ago: worker %d, pid %d, %s", ago(crash.Time), crash.Worker, crash.PID, crash.Reason)
		for _, r := range crash.Requests {
			line("", "with request %s: %s %s", r.Request, r.Method, r.Path)
		}
		if crash.More > 0 {
			line("", "with %d more", crash.More)
		}
	}
	for _, means := range []struct {
		label string
		by    map[string]string
	}{{"limits", a.Runner.Limits}, {"sandbox", a.Runner.Sandbox}} {
		for i, name := range slices.Sorted(maps.Keys(means.by)) {
			line(map[bool]string{true: means.label}[i == 0], "%s by %s", name, means.by[name])
		}
	}
	for i, kind := range slices.Sorted(maps.Keys(a.Runner.Denied)) {
		line(map[bool]string{true: "denied"}[i == 0], "%s: %d", kind, a.Runner.Denied[kind])
	}
	for text := range strings.Lines(a.Runner.Learned) {
		line("", "%s", strings.TrimRight(text, "\n"))
	}
	line("requests", "%d, %d waiting", a.Requests, a.Waiting)
	if f := a.Failing; f != nil {
		line("failing", "%s; modgw-host logs --id %s", failing(f), f.Last.Request)
	}
	line("watching", "%s", watching(a.Watch))
	for _, d := range a.Draining {
		line("draining", "generation %d, %d requests, since %s", d.Generation, d.InFlight, ago(d.Since))
	}
	if d := a.Drained; d != nil {
		line("drained", "generation %d, %s ago: %d requests in flight, %d cut off", d.Generation, ago(d.Time), d.Requests, d.Cut)
	}
	if a.Previous > 0 {
		line("rollback", "to generation %d: modgw-host rollback %s", a.Previous, a.App)
	}
	if f := a.Failure; f != nil {
		line("failed", "%s ago: %s", ago(f.Time), f.Cause)
		for text := range strings.SplitSeq(strings.TrimRight(f.Text, "\n"), "\n") {
			fmt.Fprintf(&b, "             %s\n", text)
		}
	}
	return b.String()
}

// failing returns a line about requests that failed lately.
func failing(f *modgw.FailingStatus) string {
	return fmt.Sprintf("%s failed in %d min, the last %s ago: %d %s %s", plural(f.Count, "request"), f.Minutes,
		ago(f.Last.Time), f.Last.Status, f.Last.Method, f.Last.Path)
}

func watching(w control.WatchStatus) string {
	text := w.Mode
	if w.Directories > 0 {
		text += fmt.Sprintf(", %d files in %d directories", w.Files, w.Directories)
	}
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	if w.Degraded != "" {
		text += ", degraded: " + w.Degraded
	}
	if !w.LastEvent.IsZero() {
		text += ", last event " + ago(w.LastEvent) + " ago"
	}
	return text
}

func from(source string) string {
	if source == "" {
		return ""
	}
	return "from " + source
}

// builder returns the version that built an environment, unless the same version runs in it, as
// with Go.
func builder(env modgw.EnvironmentStatus) string {
	if env.Builder == env.Version {
		return ""
	}
	return env.Builder
}

func nonEmpty(all ...string) []string {
	var kept []string
	for _, s := range all {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// ago is the time since t, roughly.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

func mebibytes(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// mostPackages is the largest number of packages that are listed.
const mostPackages = 12

// installed is a line of packages with their versions.
func installed(packages []modgw.Package) string {
	shown := make([]string, 0, mostPackages)
	for _, p := range packages[:min(len(packages), mostPackages)] {
		shown = append(shown, p.Name+" "+p.Version)
	}
	text := strings.Join(shown, ", ")
	if more := len(packages) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
