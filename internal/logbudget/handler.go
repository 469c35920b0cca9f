package logbudget

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// longest is the maximum length of an attribute's value, in bytes.
	longest = 128 << 10

	// cutMark ends a value that was cut.
	cutMark = " […]"

	// fewest is the number of budgets up to which idle budgets are kept.
	fewest = 1024
)

// Config holds the limits of a [Handler]. A kind of record is a message and the value of the
// attribute "app": a flood for one app or one reason does not affect the others.
type Config struct {
	Limit  Limit            // limit of each kind of record
	Others map[string]Limit // limits of single kinds, by message
}

// Handler is a [slog.Handler] that passes on records within their budgets.
type Handler struct {
	budgets *budgets
	next    slog.Handler
	app     string
	size    int // bytes of the attributes that every record has
}

// NewHandler returns a handler in front of next.
func NewHandler(next slog.Handler, c Config) *Handler {
	return &Handler{budgets: &budgets{config: c, base: next, of: map[kind]*account{}, sweepAt: fewest}, next: next}
}

// Dropped returns the number of dropped records.
func (h *Handler) Dropped() uint64 { return h.budgets.dropped.Load() }

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	app, size, long := h.app, h.size+len(r.Message), false
	r.Attrs(func(a slog.Attr) bool {
		n := sizeOf(a)
		size += min(n, longest)
		long = long || n > longest+len(a.Key)
		if a.Key == "app" {
			app = a.Value.String()
		}
		return true
	})
	if !h.budgets.spend(kind{app, r.Message}, size) {
		return nil
	}
	if long {
		r = cut(r)
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		c.size += sizeOf(a)
		if a.Key == "app" {
			c.app = a.Value.String()
		}
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	return &c
}

// kind identifies the records that share a budget.
type kind struct {
	app     string // "" for the host
	message string
}

// budgets holds the budgets of all kinds of records that were logged lately.
type budgets struct {
	config Config
	base   slog.Handler // for reports about dropped records: it has no attributes

	dropped atomic.Uint64 // dropped records

	mu      sync.Mutex
	of      map[kind]*account
	sweepAt int // number of budgets at which idle ones are removed
}

type account struct {
	budget Budget
	timer  *time.Timer // reports dropped records when the period ends; nil: none
}

// spend reports whether a record may pass. Before the first record that may pass again, it logs the
// number of dropped records.
func (b *budgets) spend(k kind, size int) bool {
	now := time.Now()
	b.mu.Lock()
	a := b.find(k, now)
	pass, dropped := a.budget.Spend(now, size), Dropped{}
	if !pass {
		b.dropped.Add(1)
	}
	switch {
	case pass:
		dropped = a.settle()
	case a.timer == nil:
		a.timer = time.AfterFunc(a.budget.limit.Per, func() { b.reportLate(k, a) })
	}
	b.mu.Unlock()
	b.report(k, dropped)
	return pass
}

// reportLate reports dropped records if no later record has done so.
func (b *budgets) reportLate(k kind, a *account) {
	b.mu.Lock()
	dropped := a.settle()
	b.mu.Unlock()
	b.report(k, dropped)
}

// settle returns the dropped records to report.
func (a *account) settle() Dropped {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	return a.budget.TakeDropped()
}

func (b *budgets) find(k kind, now time.Time) *account {
	if a := b.of[k]; a != nil {
		return a
	}
	if len(b.of) >= b.sweepAt {
		for k, a := range b.of {
			if a.budget.idle(now) {
				delete(b.of, k)
			}
		}
		b.sweepAt = max(fewest, 2*len(b.of))
	}
	limit, ok := b.config.Others[k.message]
	if !ok {
		limit = b.config.Limit
	}
	a := &account{budget: New(limit)}
	b.of[k] = a
	return a
}

// report logs the number of dropped records, if there are any.
func (b *budgets) report(k kind, d Dropped) {
	if d.Records == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log records dropped", 0)
	if k.app != "" {
		r.Add("app", k.app)
	}
	r.Add("of", k.message, "records", d.Records, "bytes", d.Bytes)
	// An error of the log cannot be logged.
	_ = b.base.Handle(context.Background(), r)
}

// sizeOf returns the approximate length of an attribute when it is printed.
func sizeOf(a slog.Attr) int {
	switch a.Value.Kind() {
	case slog.KindString:
		return len(a.Key) + len(a.Value.String())
	case slog.KindAny, slog.KindLogValuer, slog.KindGroup:
		return len(a.Key) + len(a.Value.Resolve().String())
	}
	return len(a.Key) + 8
}

// cut returns the record with its long values cut.
func cut(r slog.Record) slog.Record {
	short := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if sizeOf(a) > longest+len(a.Key) {
			a = slog.String(a.Key, strings.ToValidUTF8(a.Value.Resolve().String()[:longest], "")+cutMark)
		}
		short.AddAttrs(a)
		return true
	})
	return short
}
