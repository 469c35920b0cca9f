package top

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/diagnosis"
)

// Style is the look of a line.
type Style int

// The styles.
const (
	Plain Style = iota
	Head
	Selected
	Bad   // requests fail
	Doubt // something needs attention
)

// Line is one line of the screen.
type Line struct {
	Text  string // no control characters
	Style Style  // how it is to look
}

// column is one of the table.
type column struct {
	head string
	left bool // text, and not a number
	cell func(r Row) string
}

var columns = []column{
	{"APP", true, func(r Row) string { return string(r.App) }},
	{"STATE", true, func(r Row) string { return string(r.State) }},
	{"GEN", false, func(r Row) string { return fmt.Sprint(r.Generation) }},
	{"REQ/S", false, func(r Row) string { return fmt.Sprintf("%.1f", r.Rate) }},
	{"ERR/S", false, func(r Row) string { return fmt.Sprintf("%.1f", r.Errors) }},
	{"P50", false, func(r Row) string { return duration(r.Median) }},
	{"P95", false, func(r Row) string { return duration(r.P95) }},
	{"FLIGHT", false, func(r Row) string { return fmt.Sprint(r.InFlight) }},
	{"QUEUE", false, func(r Row) string { return fmt.Sprint(r.Queued) }},
	{"BUSY", false, func(r Row) string { return fmt.Sprintf("%d/%d", r.Busy, r.Capacity) }},
	{"CPU", false, func(r Row) string { return fmt.Sprintf("%.0f%%", 100*r.Processor) }},
	{"MEM", false, func(r Row) string { return mebibytes(r.Memory) }},
	{"NOTE", true, func(r Row) string { return note(r) }},
}

// Table is the rows as lines of text, below their heads.
func Table(rows []Row) []string {
	widths := make([]int, len(columns))
	cells := make([][]string, 0, len(rows)+1)
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	cells = append(cells, heads)
	for _, r := range rows {
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = c.cell(r)
		}
		cells = append(cells, line)
	}
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, 0, len(cells))
	for _, line := range cells {
		var b strings.Builder
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if columns[i].left {
				cell += pad
			} else {
				cell = pad + cell
			}
			b.WriteString(cell + "  ")
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// About returns a line that explains why the host itself is unhealthy, or "" if it is healthy as
// far as known.
func (m *Model) About() string {
	d := m.last.Status.Diagnosis
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("%s  %s", d.Severity, proc.Printable(d.Sentence))
	if d.Hint != "" {
		text += "; " + proc.Printable(d.Hint)
	}
	return text
}

// View is the screen of a terminal.
func (m *Model) View(width, height int) []Line {
	s := m.last.Status
	lines := []Line{{fmt.Sprintf("modgw-host %s  pid %d  %d apps  sorted by %s",
		s.Version, s.PID, len(m.rows), orders[m.order].name), Plain}}
	if m.problem != "" {
		lines[0] = Line{proc.Printable(m.problem), Bad}
	}
	if d := s.Diagnosis; d != nil {
		lines = append(lines, Line{m.About(), styleOf(d)})
	}
	room := max(1, height-len(lines)-2) // without the headings and the last line
	if i := m.index(); m.alone && i >= 0 {
		lines = append(lines, m.one(m.rows[i])...)
	} else {
		table := Table(m.rows)
		lines = append(lines, Line{table[0], Head})
		first := max(0, i-room+1)
		for j := first; j < min(len(m.rows), first+room); j++ {
			style := styleOf(m.rows[j].Diagnosis)
			if j == i {
				style = Selected
			}
			lines = append(lines, Line{table[1+j], style})
		}
	}
	lines = lines[:min(len(lines), max(1, height-1))]
	lines = append(lines, Line{"q quit  ↑↓ select  enter one app  esc all  s sort  u unwell first", Head})
	for i := range lines {
		lines[i].Text = cut(lines[i].Text, width)
	}
	return lines
}

// one is all about one app.
func (m *Model) one(r Row) []Line {
	table := Table([]Row{r})
	lines := []Line{{table[0], Head}, {table[1], Plain}, {"", Plain}}
	if d := r.Diagnosis; d != nil {
		lines = append(lines, Line{fmt.Sprintf("%s: %s", d.Severity, proc.Printable(d.Sentence)), styleOf(d)})
		if d.Hint != "" {
			lines = append(lines, Line{"  " + proc.Printable(d.Hint), Plain})
		}
		lines = append(lines, Line{})
	}
	if g := r.status.Generation; g != nil {
		lines = append(lines, Line{fmt.Sprintf("generation %d since %s: %s", g.Number,
			g.Ready.Local().Format(time.DateTime), proc.Printable(g.Cause)), Plain})
	}
	if s := r.status.Scale; s != nil && !s.IsFixed() {
		held := ""
		if s.Held != "" {
			held = ", held by " + s.Held
		}
		lines = append(lines, Line{fmt.Sprintf("scale %s: %d workers wanted%s", s.Scale, s.Wanted, held), Plain})
	}
	for _, w := range r.status.Runner.Workers {
		lines = append(lines, Line{fmt.Sprintf("worker %-3d pid %-8d %-10s %8d requests  %s",
			w.Number, w.PID, w.State, w.Requests, mebibytes(w.Memory)), Plain})
	}
	if f := r.status.Failing; f != nil {
		lines = append(lines, Line{fmt.Sprintf("%d failed in %d min, the last: %d %s %s (modgw-host logs --id %s)",
			f.Count, f.Minutes, f.Last.Status, proc.Printable(f.Last.Method), proc.Printable(f.Last.Path),
			proc.Printable(f.Last.Request)), Plain})
	}
	if f := r.status.Failure; f != nil {
		for text := range strings.Lines(f.Text) {
			lines = append(lines, Line{proc.Printable(strings.TrimRight(text, "\n")), Plain})
		}
	}
	return lines
}

func note(r Row) string {
	if r.Diagnosis == nil {
		return ""
	}
	return proc.Printable(r.Diagnosis.Sentence)
}

func styleOf(d *diagnosis.Diagnosis) Style {
	switch {
	case d == nil || d.Severity == diagnosis.Notice:
		return Plain
	case d.Severity == diagnosis.Critical:
		return Bad
	}
	return Doubt
}

// duration is one in milliseconds or seconds; "-" for none.
func duration(s *float64) string {
	switch {
	case s == nil:
		return "-"
	case *s < 0.01:
		return fmt.Sprintf("%.1fms", *s*1000)
	case *s < 1:
		return fmt.Sprintf("%.0fms", *s*1000)
	}
	return fmt.Sprintf("%.1fs", *s)
}

func mebibytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%dM", n>>20)
}

// cut is the part of a text that fits into a line.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(0, width)])
}
