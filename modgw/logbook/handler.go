package logbook

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// handler is a [slog.Handler] that keeps each record in the book before the next handler prints it.
type handler struct {
	book *Book
	next slog.Handler
	app  modgw.AppName
	with []control.LogAttr
}

// NewHandler returns a handler that keeps each record in the book before the next one prints it.
func NewHandler(book *Book, next slog.Handler) slog.Handler { return &handler{book: book, next: next} }

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	record := control.LogRecord{
		Time:    r.Time.Round(time.Microsecond),
		Level:   r.Level.String(),
		App:     h.app,
		Message: r.Message,
		Attrs:   append([]control.LogAttr(nil), h.with...),
	}
	r.Attrs(func(a slog.Attr) bool {
		note(&record.App, &record.Attrs, a)
		return true
	})
	h.book.add(record)
	return h.next.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	c.with = append([]control.LogAttr(nil), h.with...)
	for _, a := range attrs {
		note(&c.app, &c.with, a)
	}
	return &c
}

// WithGroup only affects the next handler: nothing here logs groups.
func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	return &c
}

// note files an attribute: the app's name in its own place, all others in order. Texts are copied:
// they may be a part of something large, such as the head of a request.
func note(app *modgw.AppName, attrs *[]control.LogAttr, a slog.Attr) {
	if a.Key == "app" {
		*app = modgw.AppName(strings.Clone(a.Value.String()))
		return
	}
	*attrs = append(*attrs, control.LogAttr{Key: a.Key, Value: strings.Clone(a.Value.String())})
}
