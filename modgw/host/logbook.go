package host

import (
	"container/list"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// What is kept for logs is bounded, whatever apps print: for each app, so that one that prints much
// leaves others theirs, and for all of them together.
const (
	recordsPerApp = 1000 // and as many for the host itself
	bytesPerApp   = 1 << 20
	bytesOfAll    = 16 << 20

	// About what a record and an attribute cost beside their texts.
	recordBytes    = 250
	attributeBytes = 32
)

// logbook keeps the last log records of each app, so that logs can show them, and wakes those who
// follow them.
type logbook struct {
	mu        sync.Mutex
	all       list.List // elements are *entry, oldest first
	byApp     map[modgw.AppName]*appRecords
	bytes     int
	last      uint64 // number of the newest record
	followers map[chan struct{}]bool
	archive   archive // has what is not kept here; nil: there is none
}

// archive keeps log records on the disk.
type archive interface {
	add(number uint64, record control.LogRecord)
	find(q control.LogQuery, has func(number uint64) bool) []control.LogRecord
}

// page are the records of one app.
type appRecords struct {
	entries []*list.Element // oldest first
	bytes   int
}

type entry struct {
	number uint64 // counts all records
	record control.LogRecord
	bytes  int
}

func newLogbook() *logbook {
	return &logbook{byApp: map[modgw.AppName]*appRecords{}, followers: map[chan struct{}]bool{}}
}

func (b *logbook) add(record control.LogRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	if b.archive != nil {
		b.archive.add(b.last, record)
	}
	e := &entry{b.last, record, sizeOf(record)}
	p := b.byApp[record.App]
	if p == nil {
		p = &appRecords{}
		b.byApp[record.App] = p
	}
	p.entries = append(p.entries, b.all.PushBack(e))
	p.bytes += e.bytes
	b.bytes += e.bytes
	for len(p.entries) > recordsPerApp || p.bytes > bytesPerApp {
		b.removeOldest(record.App)
	}
	for b.bytes > bytesOfAll {
		b.removeOldest(b.all.Front().Value.(*entry).record.App)
	}
	for follower := range b.followers {
		select {
		case follower <- struct{}{}:
		default: // it has been woken already
		}
	}
}

// removeOldest forgets the oldest record of an app.
func (b *logbook) removeOldest(app modgw.AppName) {
	p := b.byApp[app]
	oldest := p.entries[0].Value.(*entry)
	b.all.Remove(p.entries[0])
	p.entries[0] = nil
	p.entries = p.entries[1:]
	p.bytes -= oldest.bytes
	b.bytes -= oldest.bytes
	if len(p.entries) == 0 {
		delete(b.byApp, app)
	}
}

// sizeOf is about what a record takes of memory.
func sizeOf(r control.LogRecord) int {
	size := recordBytes + len(r.Message)
	for _, a := range r.Attrs {
		size += attributeBytes + len(a.Key) + len(a.Value)
	}
	return size
}

// read implements the Logs of control.Host. A follower that does not keep up misses what is not
// kept any more; nothing is kept for it alone.
func (b *logbook) read(ctx context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
	woken := make(chan struct{}, 1)
	if q.Follow {
		b.follow(woken)
		defer b.unfollow(woken)
	}
	kept, seen := b.since(0, q)
	kept = b.withOlder(kept, q)
	if q.Lines > 0 && len(kept) > q.Lines {
		kept = kept[len(kept)-q.Lines:]
	}
	for {
		for _, record := range kept {
			if !yield(record) {
				return
			}
		}
		if !q.Follow {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
			kept, seen = b.since(seen, q)
		}
	}
}

// keepIn lets an archive have all records, those that are kept already too; nil: none has them any
// more.
func (b *logbook) keepIn(a archive) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.archive = a
	for at := b.all.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*entry); a != nil {
			a.add(e.number, e.record)
		}
	}
}

// withOlder returns what is kept of a query with what the archive has beside it, oldest first. When
// the last records are asked for, and as many are kept, they are the last ones of all.
func (b *logbook) withOlder(kept []control.LogRecord, q control.LogQuery) []control.LogRecord {
	b.mu.Lock()
	archive, has := b.archive, map[uint64]bool{}
	for at := b.all.Front(); at != nil; at = at.Next() {
		has[at.Value.(*entry).number] = true
	}
	b.mu.Unlock()
	if archive == nil || q.Lines > 0 && len(kept) >= q.Lines {
		return kept
	}
	all := append(archive.find(q, func(number uint64) bool { return has[number] }), kept...)
	slices.SortStableFunc(all, func(a, b control.LogRecord) int { return a.Time.Compare(b.Time) })
	return all
}

func (b *logbook) follow(woken chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followers[woken] = true
}

func (b *logbook) unfollow(woken chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.followers, woken)
}

// since returns the kept records that a query asks for and that came after the one with the number
// seen, oldest first, and the number of the newest record.
func (b *logbook) since(seen uint64, q control.LogQuery) (found []control.LogRecord, last uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := b.all.Back(); at != nil && at.Value.(*entry).number > seen; at = at.Prev() {
		if record := at.Value.(*entry).record; wanted(record, q) {
			found = append(found, record)
		}
	}
	slices.Reverse(found)
	return found, b.last
}

func wanted(record control.LogRecord, q control.LogQuery) bool {
	if q.App != "" && record.App != q.App || record.Time.Before(q.Since) || !q.Until.IsZero() && !record.Time.Before(q.Until) {
		return false
	}
	if q.Level != nil && levelOf(record) < *q.Level {
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

// levelOf is the level of a record.
func levelOf(record control.LogRecord) (level slog.Level) {
	_ = level.UnmarshalText([]byte(record.Level)) // another text counts as info
	return level
}

// bookHandler is a slog.Handler that keeps each record in the book before the next handler prints
// it.
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

// note files an attribute: the app's name in its own place, all others in order. Texts are copied:
// they may be a part of something large, such as the head of a request.
func note(app *modgw.AppName, attrs *[]control.LogAttr, a slog.Attr) {
	if a.Key == "app" {
		*app = modgw.AppName(strings.Clone(a.Value.String()))
		return
	}
	*attrs = append(*attrs, control.LogAttr{Key: a.Key, Value: strings.Clone(a.Value.String())})
}
