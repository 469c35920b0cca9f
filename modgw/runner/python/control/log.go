package control

import (
	"context"
	"log/slog"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/tracecontext"
	"github.com/modgw/modgw/modgw/wire"
)

// workerLogged is the message of each record that a worker has made. Its text is an attribute.
const workerLogged = "worker logged"

// levels are the levels that a worker may give to a record; others count as info.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "warning": slog.LevelWarn, "error": slog.LevelError,
}

// log logs a record of the worker.
func (w *Worker) log(m wire.LogMessage) {
	attrs := []slog.Attr{slog.String("text", proc.Printable(m.Message))}
	if m.Request != "" {
		attrs = append(attrs, slog.String("request", proc.Printable(m.Request)))
		if m.Level == "error" {
			attrs = append(attrs, slog.String("code", relay.AppFailed.Code()))
		}
	}
	if trace := tracecontext.ParseTraceparent([]string{m.Trace}).Trace.String(); trace != "" {
		attrs = append(attrs, slog.String("trace", trace))
	}
	if m.File != "" {
		attrs = append(attrs, slog.String("file", proc.Printable(m.File)), slog.Int("line", m.Line))
	}
	if m.Traceback != "" {
		attrs = append(attrs, slog.String("traceback", proc.Printable(m.Traceback)))
		if w.Dev && m.Request != "" {
			w.tracebacks.add(m.Request, traceback{m.Traceback, m.Details})
		}
	}
	w.noteAnswer(m.Message)
	w.Log.LogAttrs(context.Background(), levels[m.Level], workerLogged, attrs...)
}
