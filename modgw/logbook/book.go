// Package logbook keeps the log records of a host and its apps for the commands logs and status:
// the last ones in memory, and older ones in files of the state folder.
package logbook

import (
	"container/list"
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// Limits of the kept log records: for each app, so that one that prints much does not displace
// others, and for all of them together.
const (
	recordsPerApp = 1000 // and as many for the host itself
	bytesPerApp   = 1 << 20
	bytesOfAll    = 16 << 20

	// The approximate size of a record and an attribute without their texts.
	recordBytes    = 250
	attributeBytes = 32
)

// Book keeps the last log records of each app, so that logs can show them, and wakes those who
// follow them.
type Book struct {
	mu        sync.Mutex
	all       list.List // elements are *entry, oldest first
	byApp     map[modgw.AppName]*appRecords
	bytes     int
	last      uint64 // number of the newest record
	followers map[chan struct{}]bool
	archives  *Archives // have the records that are not in memory; nil: there are none
}

// appRecords are the records of one app.
type appRecords struct {
	entries []*list.Element // oldest first
	bytes   int
}

type entry struct {
	number uint64 // counts all records
	record control.LogRecord
	bytes  int
}

// New makes a book without records.
func New() *Book {
	return &Book{byApp: map[modgw.AppName]*appRecords{}, followers: map[chan struct{}]bool{}}
}

func (b *Book) add(record control.LogRecord) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	if b.archives != nil {
		b.archives.add(b.last, record)
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
func (b *Book) removeOldest(app modgw.AppName) {
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

// sizeOf returns the approximate size of a record in memory.
func sizeOf(r control.LogRecord) int {
	size := recordBytes + len(r.Message)
	for _, a := range r.Attrs {
		size += attributeBytes + len(a.Key) + len(a.Value)
	}
	return size
}

// Read implements the Logs of [control.Host]. A follower that does not keep up misses records that
// are no longer kept; nothing is kept for it specially.
func (b *Book) Read(ctx context.Context, q control.LogQuery, yield func(control.LogRecord) bool) {
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

// KeepIn lets archives have all records, those that are kept already too; nil: none have them any
// more.
func (b *Book) KeepIn(a *Archives) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.archives = a
	for at := b.all.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*entry); a != nil {
			a.add(e.number, e.record)
		}
	}
}

// withOlder returns the kept records of a query, preceded by those in the archives, oldest first.
// If the last records are asked for, and enough are kept, the archives are not needed.
func (b *Book) withOlder(kept []control.LogRecord, q control.LogQuery) []control.LogRecord {
	b.mu.Lock()
	archives, has := b.archives, map[uint64]bool{}
	for at := b.all.Front(); at != nil; at = at.Next() {
		has[at.Value.(*entry).number] = true
	}
	b.mu.Unlock()
	if archives == nil || q.Lines > 0 && len(kept) >= q.Lines {
		return kept
	}
	all := append(archives.find(q, func(number uint64) bool { return has[number] }), kept...)
	slices.SortStableFunc(all, func(a, b control.LogRecord) int { return a.Time.Compare(b.Time) })
	return all
}

func (b *Book) follow(woken chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followers[woken] = true
}

func (b *Book) unfollow(woken chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.followers, woken)
}

// since returns the kept records that a query asks for and that came after the one with the number
// seen, oldest first, and the number of the newest record.
func (b *Book) since(seen uint64, q control.LogQuery) (found []control.LogRecord, last uint64) {
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
	return q.Request == "" || attribute(&record, "request") == q.Request
}

// levelOf is the level of a record.
func levelOf(record control.LogRecord) (level slog.Level) {
	_ = level.UnmarshalText([]byte(record.Level)) // another text counts as info
	return level
}
