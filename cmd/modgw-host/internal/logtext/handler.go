package logtext

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

// Head is the part of a line before the name of the app.
type Head int

// The heads.
const (
	Timed       Head = iota // the time of the day
	Dated                   // date, time and zone, for files that are read later
	Prioritized             // a priority for systemd's journal (sd-daemon(3)), which has the time
	Bare                    // nothing, for a log that has time and priority in other fields
)

// Options control the look of records.
type Options struct {
	Level  slog.Leveler // nil: info
	Colour bool         // write ECMA-48 colours, each app's name in its own
	Head   Head         // beginning of each line

	// Plain is the message of records that an app wrote itself. Only their attribute "line" is
	// printed.
	Plain string
}

// Handler is a slog.Handler.
type Handler struct {
	options Options
	mu      *sync.Mutex
	out     io.Writer
	colours *appColours
	app     string
	with    []slog.Attr
}

// New returns a handler that prints to out, each record in one write.
func New(out io.Writer, o Options) *Handler {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	return &Handler{options: o, mu: new(sync.Mutex), out: out, colours: &appColours{of: map[string]string{}}}
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.options.Level.Level()
}

// Handle implements [slog.Handler].
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	attrs, app := h.with, h.app
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "app" {
			app = a.Value.String()
		} else {
			attrs = append(attrs[:len(attrs):len(attrs)], a)
		}
		return true
	})
	var b strings.Builder
	h.head(&b, r, app)
	if h.options.Plain != "" && r.Message == h.options.Plain {
		h.plain(&b, attrs)
	} else {
		h.body(&b, r, attrs)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, b.String())
	return err
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.with = append([]slog.Attr(nil), h.with...)
	for _, a := range attrs {
		if a.Key == "app" {
			c.app = a.Value.String()
		} else {
			c.with = append(c.with, a)
		}
	}
	return &c
}

// WithGroup implements [slog.Handler]; groups are not shown.
func (h *Handler) WithGroup(string) slog.Handler { return h }

// widest is the largest width of the column of app names, in characters.
const widest = 10

// layouts has the format of the time of each head.
var layouts = map[Head]string{Timed: time.TimeOnly, Dated: "2006-01-02T15:04:05.000Z07:00"}

func (h *Handler) head(b *strings.Builder, r slog.Record, app string) {
	switch {
	case layouts[h.options.Head] != "":
		h.paint(b, faint, r.Time.Format(layouts[h.options.Head]))
		b.WriteByte(' ')
	case h.options.Head == Prioritized:
		fmt.Fprintf(b, "<%d>", Priority(r.Level))
	}
	h.paint(b, h.colours.get(app), fmt.Sprintf("%-*s", widest, app))
	b.WriteByte(' ')
}

func (h *Handler) body(b *strings.Builder, r slog.Record, attrs []slog.Attr) {
	switch {
	case r.Level >= slog.LevelError:
		h.paint(b, red, "✗ "+r.Message)
	case r.Level >= slog.LevelWarn:
		h.paint(b, yellow, "! "+r.Message)
	default:
		b.WriteString(r.Message)
	}
	var below []string
	for _, a := range attrs {
		value := a.Value.Resolve().String()
		if strings.Contains(value, "\n") || a.Key == "error" {
			below = append(below, strings.TrimRight(value, "\n"))
			continue
		}
		b.WriteByte(' ')
		h.paint(b, faint, a.Key+"=")
		b.WriteString(quoted(value))
	}
	b.WriteByte('\n')
	for _, text := range below {
		for line := range strings.SplitSeq(text, "\n") {
			b.WriteString("    " + proc.PrintableLine(line) + "\n")
		}
	}
}

// plain prints the output of an app, each line with a bar in front.
func (h *Handler) plain(b *strings.Builder, attrs []slog.Attr) {
	for _, a := range attrs {
		if a.Key != "line" {
			continue
		}
		lines := strings.Split(a.Value.String(), "\n")
		for i, line := range lines {
			if i > 0 {
				// Lines below a date are not aligned with it.
				b.WriteString(strings.Repeat(" ", len("15:04:05 ")+widest+1))
			}
			b.WriteString("| " + proc.PrintableLine(line) + "\n")
		}
	}
}

func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \"=") || s != proc.PrintableLine(s) {
		return strconv.Quote(s)
	}
	return s
}

// Priority is the level as syslog(3) counts it.
func Priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}

// appColours gives each app a colour when its name is first shown: all have others, while there are
// colours.
type appColours struct {
	mu sync.Mutex
	of map[string]string // by app
}

// palette has the colours of apps. Red and yellow are reserved for errors and warnings.
var palette = [...]string{"1;36", "1;32", "1;35", "1;34", "96", "92", "95", "94"}

// mostColoured is the largest number of apps that get a colour.
const mostColoured = 1000

// get returns the colour of an app; "" is the host itself.
func (c *appColours) get(app string) string {
	if app == "" {
		return bold
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	colour, ok := c.of[app]
	switch {
	case ok:
	case len(c.of) >= mostColoured:
		return bold
	default:
		colour = palette[len(c.of)%len(palette)]
		c.of[app] = colour
	}
	return colour
}

// Terminal attributes (ECMA-48 section 8.3.117).
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	yellow = "33"
)

func (h *Handler) paint(b *strings.Builder, attribute, text string) {
	if !h.options.Colour {
		b.WriteString(text)
		return
	}
	b.WriteString("\x1b[" + attribute + "m" + text + "\x1b[0m")
}
