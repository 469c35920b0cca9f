package reload

import "time"

// lull tells when changes have settled: nothing changed for quiet, or the first change is most ago.
type lull struct {
	quiet, most time.Duration
	first, last time.Time // zero: nothing has changed
}

// noted records a change.
func (l *lull) noted(now time.Time) {
	if l.first.IsZero() {
		l.first = now
	}
	l.last = now
}

// due is when the changes count as settled; zero while there are none.
func (l *lull) due() time.Time {
	if l.first.IsZero() {
		return time.Time{}
	}
	due, latest := l.last.Add(l.quiet), l.first.Add(l.most)
	if due.After(latest) {
		return latest
	}
	return due
}

// quietAt reports whether the changes have settled, and not only waited for long enough.
func (l *lull) quietAt(now time.Time) bool { return !now.Before(l.last.Add(l.quiet)) }

// over forgets the changes.
func (l *lull) over() { l.first, l.last = time.Time{}, time.Time{} }
