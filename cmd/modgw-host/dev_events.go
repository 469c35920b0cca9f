package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// observe prints the outcome of a deploy.
func (t *terminal) observe(e modgw.Event) {
	if e.Fault == nil && e.Cause == "start" {
		return // the greeting has it
	}
	var b strings.Builder
	t.head(&b, time.Now(), e.App)
	if e.Fault == nil {
		fmt.Fprintf(&b, "%s → generation %d ready in %s", t.paint(green, "↻ ")+e.Cause, e.Generation, short(e.Took))
		if e.Draining > 0 {
			fmt.Fprintf(&b, ", %s draining", plural(e.Draining, "request"))
		}
		b.WriteByte('\n')
		_, _ = io.WriteString(t, b.String())
		return
	}
	what := fmt.Sprintf("generation %d not started", e.Generation)
	if e.Generation == 0 {
		what = e.Cause + ", and cannot be used"
	}
	if e.Serving > 0 {
		what += fmt.Sprintf(", still serving generation %d", e.Serving)
	}
	b.WriteString(t.paint(red, "✗ "+what) + "\n")
	for _, line := range t.reasons(e) {
		b.WriteString(strings.Repeat(" ", len("15:04:05 ")) + "  " + line + "\n")
	}
	_, _ = io.WriteString(t, b.String())
}

// reasons returns the lines that explain why a generation did not start.
func (t *terminal) reasons(e modgw.Event) []string {
	f := e.Fault
	place := modgw.Place(f.Exceptions)
	if place == nil {
		return lastLines(f)
	}
	last := f.Exceptions[len(f.Exceptions)-1]
	lines := []string{fmt.Sprintf("%s: %s:%d  %s", last.Type, t.relative(e.App, place.File), place.Line, proc.PrintableLine(last.Message))}
	if i := place.Line - place.First; i >= 0 && i < len(place.Source) {
		lines = append(lines, "    "+proc.PrintableLine(strings.TrimSpace(place.Source[i])))
	}
	if f.Hint != "" {
		lines = append(lines, "hint: "+f.Hint)
	}
	return lines
}

// shownOutput is the largest number of output lines shown for a program that failed.
const shownOutput = 12

// lastLines are the fault without the beginning of a long output.
func lastLines(f *modgw.Fault) []string {
	lines := []string{f.Line()}
	output := strings.Split(strings.TrimSpace(f.Output), "\n")
	if len(output) > shownOutput {
		output = append([]string{"…"}, output[len(output)-shownOutput:]...)
	}
	if f.Output != "" {
		lines = append(lines, output...)
	}
	if f.Hint != "" {
		lines = append(lines, "hint: "+f.Hint)
	}
	for i, line := range lines {
		lines[i] = proc.PrintableLine(line)
	}
	return lines
}

// relative is a file's name as seen from the app's root.
func (t *terminal) relative(app modgw.AppName, file string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return files.Relative(t.roots[app], file)
}
