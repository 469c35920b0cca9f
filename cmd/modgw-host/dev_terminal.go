package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
)

// terminal shows a developer the host's work: a few lines at the start, then one for each event.
type terminal struct {
	ctx     context.Context // ends with the command
	config  host.Config
	colour  bool
	raw     bool // apps write to standard output themselves
	version string

	mu    sync.Mutex
	out   io.Writer
	roots map[modgw.AppName]string
	url   string                          // page to open; "" until the host listens
	built map[modgw.AppName]time.Duration // time that building an environment took
}

func newTerminal(ctx context.Context, c console, config host.Config, apps []modgw.Descriptor) *terminal {
	t := &terminal{
		ctx: ctx, config: config, colour: c.colour(), version: version(), out: c.stderr,
		roots: map[modgw.AppName]string{}, built: map[modgw.AppName]time.Duration{},
	}
	for _, d := range apps {
		t.roots[d.Name] = d.Root
	}
	return t
}

// Write implements [io.Writer] for the log, so that log lines do not mix with the terminal's own.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

// greet prints the apps and their addresses, when all apps are up.
func (t *terminal) greet() {
	client := control.NewClient(t.controlAddress())
	status, err := client.Status(t.ctx)
	if err != nil {
		return // the host is ending
	}
	var b strings.Builder
	for _, app := range status.Apps {
		t.introduce(&b, app)
	}
	t.row(&b, "Control", "modgw-host status --state "+shellName(t.config.State))
	b.WriteString(t.paint(faint, "Press Ctrl-C to stop.") + "\n")
	_, _ = io.WriteString(t, b.String())
}

// controlAddress is where the host can be asked.
func (t *terminal) controlAddress() modgw.Address {
	if t.config.Control != "" {
		return t.config.Control
	}
	return host.ControlAddress(t.config.State)
}

// introduce prints the parts of one app.
func (t *terminal) introduce(b *strings.Builder, app control.AppStatus) {
	t.mu.Lock()
	t.roots[app.App] = app.Root
	built := t.built[app.App]
	t.mu.Unlock()
	kind := kindName(app.Kind)
	if app.Descriptor != "" {
		kind += ", " + filepath.Base(app.Descriptor)
	}
	if app.Mount != "/" {
		kind += ", at " + string(app.Mount)
	}
	fmt.Fprintf(b, "modgw-host %s   %s  (%s)\n", t.version, t.paint(bold, string(app.App)), kind)
	if g := app.Generation; g != nil {
		if g.Environment.Dir != "" {
			t.row(b, "Environment", t.paint(green, "✓ ")+environmentLine(g.Environment, built))
		}
		switch {
		case awaitsWorker(app):
			t.row(b, "Workers", fmt.Sprintf("none yet: modgw-host attach %s --state %s", app.App, shellName(t.config.State)))
		case len(app.Runner.Workers) > 0:
			t.row(b, "Workers", t.paint(green, "✓ ")+workersLine(app, built))
		}
	} else {
		t.row(b, "Environment", t.paint(red, "✗ ")+"the app has not started; save a change to try again")
	}
	t.row(b, "Watching", watchLine(app))
	t.row(b, "URL", t.address(app))
}

func (t *terminal) row(b *strings.Builder, name, value string) {
	fmt.Fprintf(b, "  %s %s\n", t.paint(faint, fmt.Sprintf("%-13s", name)), value)
}

// kindName is a kind as people write it.
func kindName(kind modgw.Kind) string {
	switch kind {
	case modgw.KindGo:
		return "Go"
	case modgw.KindFastCGI:
		return "FastCGI"
	case modgw.KindStatic:
		return "static files"
	}
	return strings.ToUpper(string(kind))
}

func environmentLine(e modgw.EnvironmentStatus, built time.Duration) string {
	line := e.Version
	if built > 0 {
		line = "built in " + short(built) + "  " + line
	}
	if len(e.Packages) > 0 {
		line += ", " + plural(len(e.Packages), "package")
	}
	if e.Builder != "" && e.Builder != e.Version { // Go is both
		line += " (" + e.Builder + ")"
	}
	if e.Source != "" {
		line += " from " + e.Source
	}
	return line + "   " + homely(e.Dir)
}

// awaitsWorker reports whether the app's worker is to be started by its developer.
func awaitsWorker(app control.AppStatus) bool {
	return slices.ContainsFunc(app.Runner.Workers, func(w modgw.WorkerStatus) bool { return w.State == modgw.StateAwaited })
}

func workersLine(app control.AppStatus, built time.Duration) string {
	n := len(app.Runner.Workers)
	processes := fmt.Sprintf("%d processes", n)
	if n == 1 {
		processes = "1 process"
	}
	if threads := app.Runner.Capacity / max(1, n); threads > 0 && app.Kind == modgw.KindWSGI {
		processes += fmt.Sprintf(" × %d threads", threads)
	}
	return fmt.Sprintf("%s, ready in %s", processes, short(time.Duration(app.Generation.Took*float64(time.Second))-built))
}

func watchLine(app control.AppStatus) string {
	w := app.Watch
	switch {
	case awaitsWorker(app):
		return "nothing: restart the attached worker yourself"
	case w.Mode == "": // the first look goes on
		return homely(app.Root) + "; edit and save"
	case w.Mode == string(modgw.ReloadOff):
		return "nothing: reload { mode = \"off\" }"
	}
	line := fmt.Sprintf("%s (%s, %s)", homely(app.Root), w.Mode, plural(w.Files, "file"))
	if w.Reason != "" {
		line += ": " + w.Reason
	}
	return line + "; edit and save"
}

// address is the page of an app to open.
func (t *terminal) address(app control.AppStatus) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, err := url.Parse(t.url)
	if err != nil {
		return t.url
	}
	if len(app.Hosts) > 0 && !slices.Contains(app.Hosts, "localhost") {
		at.Host = strings.ToLower(string(app.App)) + ".localhost:" + at.Port()
	}
	return at.JoinPath(string(app.Mount), "/").String()
}

func (t *terminal) head(b *strings.Builder, at time.Time, app modgw.AppName) {
	fmt.Fprintf(b, "%s %s  ", t.paint(faint, at.Format("15:04:05")), t.paint(bold, string(app)))
}

// Terminal attributes (ECMA-48 section 8.3.117).
const (
	bold  = "1"
	faint = "2"
	red   = "31"
	green = "32"
)

func (t *terminal) paint(attribute, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + attribute + "m" + text + "\x1b[0m"
}

// short is a duration for people.
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// homely is path with ~ for the home directory.
func homely(path string) string {
	home, err := os.UserHomeDir()
	if rest, ok := strings.CutPrefix(path, home+"/"); err == nil && ok {
		return "~/" + rest
	}
	return path
}

// shellName is path as a word for a shell.
func shellName(path string) string {
	if word := quoted(path); word != path {
		return word
	}
	return homely(path)
}
