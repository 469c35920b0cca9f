package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/modgw/modgw/cmd/modgw-host/internal/logtext"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// logger returns the log of the host: the terminal shows output of apps and errors from it, and
// reports everything else in its own form.
func (t *terminal) logger() *slog.Logger {
	return slog.New(&terminalLog{
		terminal: t,
		ordinary: logtext.New(t, logtext.Options{Colour: t.colour, Plain: modgw.AppLine}),
	})
}

// terminalLog is the slog.Handler of a terminal.
type terminalLog struct {
	terminal *terminal
	ordinary slog.Handler
	with     []slog.Attr
}

// Enabled implements [slog.Handler].
func (h *terminalLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// WithAttrs implements [slog.Handler].
func (h *terminalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &terminalLog{h.terminal, h.ordinary.WithAttrs(attrs), append(h.with[:len(h.with):len(h.with)], attrs...)}
}

// WithGroup implements [slog.Handler]; nothing here logs groups.
func (h *terminalLog) WithGroup(string) slog.Handler { return h }

// Handle implements [slog.Handler].
func (h *terminalLog) Handle(ctx context.Context, r slog.Record) error {
	attrs := map[string]string{}
	note := func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.Resolve().String()
		return true
	}
	for _, a := range h.with {
		note(a)
	}
	r.Attrs(note)
	switch {
	case r.Message == modgw.AppLine:
		if attrs["stream"] == "build" || h.terminal.raw && attrs["stream"] == "stdout" {
			return nil
		}
	case r.Message == "environment built":
		h.terminal.tookToBuild(modgw.AppName(attrs["app"]), attrs["took"])
		return nil
	case r.Message == "ready" && attrs["http"] != "":
		h.terminal.listens(attrs["http"])
		return nil
	case strings.HasPrefix(r.Message, "environment: "):
		return h.say(r.Time, attrs["app"], strings.TrimPrefix(r.Message, "environment: ")+" …", "")
	case r.Message == "assets changed":
		return h.say(r.Time, attrs["app"], h.terminal.paint(green, "↻ ")+attrs["cause"]+" → open pages show it", "")
	case strings.HasPrefix(r.Message, "generation not started"):
		return nil // observe reports it
	case r.Message == "worker logged" && attrs["traceback"] != "":
		return h.say(r.Time, attrs["app"], h.terminal.paint(red, "✗ "+attrs["text"]), foldTraceback(attrs["traceback"]))
	case r.Level < slog.LevelWarn:
		return nil
	}
	return h.ordinary.Handle(ctx, r)
}

// say prints a line for an app, followed by optional text.
func (h *terminalLog) say(at time.Time, app, line, below string) error {
	var b strings.Builder
	h.terminal.head(&b, at, modgw.AppName(app))
	b.WriteString(line + "\n")
	for text := range strings.Lines(below) {
		b.WriteString(strings.Repeat(" ", len("15:04:05   ")) + proc.PrintableLine(strings.TrimRight(text, "\n")) + "\n")
	}
	_, err := io.WriteString(h.terminal, b.String())
	return err
}

// tookToBuild notes how long an environment took.
func (t *terminal) tookToBuild(app modgw.AppName, took string) {
	d, err := time.ParseDuration(took)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.built[app] = d
}

// listens notes where the host's pages are.
func (t *terminal) listens(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.url == "" {
		t.url = fmt.Sprintf("http://%s/", address)
	}
}
