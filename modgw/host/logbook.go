package host

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// bookSize is how many log records are kept for each app, and as many for the host itself.
const bookSize = 1000

// logbook keeps the last log records of each app, so that logs can show them, and hands further ones to those who
// follow.
type logbook struct {
	mu        sync.Mutex
	byApp     map[modgw.AppName][]control.LogRecord
	followers map[chan control.LogRecord]bool
}

func newLogbook() *logbook {
	return &logbook{byApp: map[modgw.AppName][]control.LogRecord{}, followers: map[chan control.LogRecord]bool{}}
}

func (b *logbook) add(record control.LogRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := append(b.byApp[record.App], record)
	if len(kept) >= 2*bookSize {
		kept = append([]control.LogRecord(nil), kept[len(kept)-bookSize:]...)
	}
	b.byApp[record.App] = kept
	for follower := range b.followers {
		select {
		case follower <- record:
		default: // a follower that does not keep up misses records; the log itself waits for nobody
		}
	}
}

// read implements the Logs of control.Host.
func (b *logbook) read(ctx context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
	b.mu.Lock()
	kept := b.kept(q)
	var further chan control.LogRecord
	if q.Follow {
		further = make(chan control.LogRecord, bookSize)
		b.followers[further] = true
		defer func() {
			b.mu.Lock()
			delete(b.followers, further)
			b.mu.Unlock()
		}()
	}
	b.mu.Unlock()
	for _, record := range kept {
		if !yield(record) {
			return
		}
	}
	for q.Follow {
		select {
		case <-ctx.Done():
			return
		case record := <-further:
			if wanted(record, q) && !yield(record) {
				return
			}
		}
	}
}

// kept are the records that a query asks for, oldest first.
func (b *logbook) kept(q control.LogQuery) []control.LogRecord {
	var found []control.LogRecord
	for app, records := range b.byApp {
		if q.App != "" && q.App != app {
			continue
		}
		for _, record := range records {
			if wanted(record, q) {
				found = append(found, record)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b control.LogRecord) int { return a.Time.Compare(b.Time) })
	if q.Lines > 0 && len(found) > q.Lines {
		found = found[len(found)-q.Lines:]
	}
	return found
}

func wanted(record control.LogRecord, q control.LogQuery) bool {
	if q.App != "" && record.App != q.App {
		return false
	}
	if q.Request == "" {
		return true
	}
	for _, attr := range record.Attrs {
		if attr.Key == "request" && attr.Value == q.Request {
			return true
		}
	}
	return false
}

// bookHandler is a slog.Handler that keeps each record in the book before the next handler prints it.
type bookHandler struct {
	book *logbook
	next slog.Handler
	app  modgw.AppName
	with []control.LogAttr
}

func (h *bookHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *bookHandler) Handle(ctx context.Context, r slog.Record) error {
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

func (h *bookHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	c.with = append([]control.LogAttr(nil), h.with...)
	for _, a := range attrs {
		note(&c.app, &c.with, a)
	}
	return &c
}

// WithGroup is for the next handler alone: nothing here logs groups.
func (h *bookHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	return &c
}

// note files an attribute: the app's name in its own place, all others in order.
func note(app *modgw.AppName, attrs *[]control.LogAttr, a slog.Attr) {
	if a.Key == "app" {
		*app = modgw.AppName(a.Value.String())
		return
	}
	*attrs = append(*attrs, control.LogAttr{Key: a.Key, Value: a.Value.String()})
}
